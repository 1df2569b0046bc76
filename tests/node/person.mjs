// A person without a browser: follows links and fills in the forms of a sign-in by plain HTTP.
// Never runs scripts or draws pages; `browser.mjs` drives a real browser where that matters.
//
// usage: node person.mjs SETTINGS.json URL      (as kubectl-login's --browser-command)
// settings: { authority: FILE, login, password, decision: "approve" | "cancel" | "close" | "copy", record: FILE }
// Each visit adds a line to the record. Whoever copies prints the address of the page that cannot be shown: the answer.
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [settingsFile, start] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
const authority = readFileSync(settings.authority);
const jars = new Map(); // host → cookies

appendFileSync(settings.record, `${new URL(start).origin}\n`);
if (settings.decision === 'close') process.exit(0);

// page: the origin of the page that the form was on.
function request(url, form, page) {
  const body = form && new URLSearchParams(form).toString();
  const jar = jars.get(url.host) ?? new Map();
  jars.set(url.host, jar);
  const headers = { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (person)' };
  // Cookies of a deeper path first, as RFC 6265 §5.4 asks; none of another path.
  const cookies = [...jar.values()].filter((cookie) => url.pathname.startsWith(cookie.path));
  if (cookies.length) headers.cookie = cookies.map((cookie) => `${cookie.name}=${cookie.value}`).join('; ');
  if (body !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    headers['content-length'] = Buffer.byteLength(body);
    headers.origin = page;
    headers['sec-fetch-site'] = page === url.origin ? 'same-origin' : 'cross-site';
  }
  const { request: open } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = open(url, { method: body === undefined ? 'GET' : 'POST', headers, ca: authority, timeout: 20_000 }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        for (const line of answer.headers['set-cookie'] ?? []) {
          const [pair, ...attributes] = line.split(';').map((part) => part.trim());
          const [name, ...value] = pair.split('=');
          const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
          const gone = attributes.some((part) => /^max-age=0$/i.test(part) || (/^expires=/i.test(part) && new Date(part.slice(8)) < new Date()));
          if (gone || value.join('=') === '') jar.delete(`${name} ${path}`);
          else jar.set(`${name} ${path}`, { name, path, value: value.join('=') });
        }
        resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url.origin}`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const plain = (text) => text.replace(/&amp;/g, '&').replace(/&#x2F;/g, '/').replace(/&#x3D;/g, '=').replace(/&quot;|&#34;/g, '"').replace(/&#39;|&#x27;/g, "'")
  .replace(/&#38;/g, '&').replace(/&lt;/g, '<').replace(/&gt;/g, '>');
function attributes(tag) {
  const found = {};
  for (const [, name, , a, b, c] of tag.matchAll(/([\w.-]+)(\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/g)) {
    found[name.toLowerCase()] ??= plain(a ?? b ?? c ?? '');
  }
  return found;
}

function answerTo(html, url) {
  if (settings.decision === 'cancel') {
    const link = [...html.matchAll(/<a\b([^>]*)>/gi)].map(([, tag]) => attributes(tag)).find((a) => /abort|cancel/.test(a.href ?? ''));
    if (link) return { url: new URL(link.href, url) };
  }
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag, inside]) => ({ ...attributes(tag), inside }));
  const form = forms.find(({ method }) => /post/i.test(method ?? '')) ?? forms[0];
  if (!form) return undefined;
  const fields = {};
  for (const [, tag] of form.inside.matchAll(/<input\b([^>]*)>/gi)) {
    const { name, type = 'text', value = '' } = attributes(tag);
    if (!name || type === 'submit') continue;
    if (type === 'password') fields[name] = settings.password;
    else if (type === 'hidden') fields[name] = value;
    else if (/code/.test(name)) fields[name] = value;
    else fields[name] = settings.login;
  }
  const buttons = [...form.inside.matchAll(/<(?:button|input)\b([^>]*)>/gi)].map(([, tag]) => attributes(tag))
    .filter(({ name, type }) => name && type === 'submit');
  const wanted = settings.decision === 'cancel' ? /deny|cancel|abort|reject/i : /approve|allow|yes|continue|confirm|submit|sign/i;
  const button = buttons.find(({ name, value }) => wanted.test(`${name} ${value}`)) ?? (settings.decision === 'cancel' ? undefined : buttons[0]);
  if (button) fields[button.name] = button.value ?? '';
  return { url: new URL(form.action || url, url), form: fields, page: url.origin };
}

let next = { url: new URL(start) };
for (let step = 0; next && step < 20; step += 1) {
  const { url, form } = next;
  const answer = await request(url, form, next.page);
  console.error(`${form ? 'POST' : 'GET'} ${url.origin}${url.pathname} ${answer.status}`);
  // A page that submits itself (form_post) does so with any status.
  const isSubmitting = /\.submit\(\)/.test(answer.text);
  if (answer.status >= 300 && answer.status < 400) next = { url: new URL(answer.headers.location, url) };
  else if (answer.status >= 400 && !isSubmitting) {
    console.error(answer.text.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' '));
    process.exit(1);
  } else next = answerTo(answer.text, url);
  if (settings.decision === 'copy' && next?.url.protocol === 'http:') {
    console.log(next.url.href);
    process.exit(0);
  }
}
process.exit(next ? 1 : 0);
