// A person with a real browser: opens a URL, follows the steps, keeps a screenshot of every page met.
// Never decides anything: which field is filled and which button is pressed is said by the case.
//
// usage: node browser.mjs NODE_MODULES SETTINGS.json URL      (as kubectl-login's --browser-command)
// settings: { chromium: FILE, screenshots: FOLDER, name, record: FILE, steps: [ { do, … } ], dark? }
// steps: { do: "see", text } · { do: "fill", field, text } · { do: "press", button } · { do: "shot", name }
// The pages' addresses and whatever went wrong on them are told on stdout and in the record, one JSON line each.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, settingsFile, url] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(join(modules, 'playwright-core', 'index.mjs')));
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
const say = (event) => {
  const line = `${JSON.stringify(event)}\n`;
  appendFileSync(settings.record, line);
  process.stdout.write(line);
};
// The terminal that started the browser may be gone before the browser is.
process.stdout.on('error', () => {});
const PATIENCE = 15_000;

mkdirSync(settings.screenshots, { recursive: true });
const browser = await chromium.launch({
  executablePath: settings.chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    // No name is looked up: a page that wants fonts from elsewhere must not wait for a resolver.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]'],
});
let page;
let shots = 0;
async function shot(name) {
  shots += 1;
  await page.screenshot({ path: join(settings.screenshots, `${settings.name}-${shots}-${name}.png`), fullPage: true });
}
try {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, // the authority is one of this test run
    viewport: settings.viewport ?? { width: 900, height: 700 },
    colorScheme: settings.dark ? 'dark' : 'light',
  });
  // Pages that ask for anything outside this machine would hang a person behind a firewall too.
  await context.route((address) => !/^(127\.0\.0\.1|localhost|\[::1\])$/.test(address.hostname), (route) => {
    say({ event: 'foreign', url: route.request().url() });
    return route.abort();
  });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => say({ event: 'script-error', message: error.message }));
  page.on('console', (message) => {
    // Chromium also reports the status of a page that is a refusal; the page itself says why.
    if (message.type() !== 'error' || message.location().url === page.url()) return;
    say({ event: 'console-error', message: message.text(), url: message.location().url });
  });
  page.on('response', (answer) => { if (answer.request().isNavigationRequest()) say({ event: 'page', url: answer.url().split('?')[0], status: answer.status() }); });
  // Each step waits for what it needs; a page's `load` would wait for everything that it asks for.
  await page.goto(url, { waitUntil: 'commit' });
  for (const step of settings.steps) {
    say({ event: 'step', ...step, text: step.do === 'fill' ? undefined : step.text });
    if (step.do === 'see') await page.getByText(step.text, { exact: false }).first().waitFor();
    else if (step.do === 'fill') await page.locator(step.field).first().fill(step.text);
    else if (step.do === 'press') await page.locator(step.button).first().click();
    else if (step.do === 'shot') await shot(step.name);
    else throw new Error(`unknown step ${step.do}`);
  }
  say({ event: 'done', title: await page.title(), text: (await page.innerText('body')).slice(0, 2000) });
} catch (error) {
  say({ event: 'failed', message: error.message, url: page?.url().split('?')[0], text: page && (await page.innerText('body').catch(() => '')).slice(0, 2000) });
  if (page) await shot('failed').catch(() => {});
  process.exitCode = 1;
} finally {
  await browser.close();
}
