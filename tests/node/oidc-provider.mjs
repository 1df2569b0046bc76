// A certified OpenID provider for the tests, on loopback.
// Never holds rules of its own: accounts, lifetimes and delays come from the settings file.
//
// usage: node oidc-provider.mjs NODE_MODULES SETTINGS.json
// settings: { port?, certificate?, key?, accounts: { name: { claim: value } }, lifetimes: { IdToken: seconds, … },
//             robotSecret, tokenDelay: milliseconds }
// Each event is one line of JSON on stdout: {"event":"ready","issuer":…}, {"event":"token","grant":…,"outcome":…}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, settingsFile] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(modules, 'oidc-provider', 'lib', 'index.js')));
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

// RFC 8707: access tokens for this resource are JWTs (RFC 9068); others are opaque.
const CLUSTER = 'https://kubernetes.test/';
const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'groups'];

const account = (name) => settings.accounts[name];
const jwk = (type, options, more) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more,
});

const configuration = {
  jwks: {
    keys: [
      jwk('rsa', { modulusLength: 2048 }, { kid: 'rsa', alg: 'RS256' }),
      jwk('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' }),
    ],
  },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  clients: [
    {
      client_id: 'kubectl-login',
      application_type: 'native', // RFC 8252 §7.3: any port of the loopback redirect
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://127.0.0.1/', 'http://localhost/callback'],
    },
    {
      client_id: 'elliptic',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/callback'],
    },
    {
      client_id: 'robot',
      client_secret: settings.robotSecret ?? randomBytes(24).toString('base64url'),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  pkce: { required: () => true },
  scopes: SCOPES,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'], profile: ['preferred_username'] },
  conformIdTokenClaims: false, // the claims of the scopes go into the ID token too
  rotateRefreshToken: () => true, // and a second use of a rotated one revokes the grant
  issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    AccessToken: 60, ClientCredentials: 600, IdToken: 600, DeviceCode: 120, RefreshToken: 3600,
    Session: 3600, Interaction: 600, Grant: 3600, ...settings.lifetimes,
  },
  features: {
    devInteractions: { enabled: true }, // any password is taken
    deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
    clientCredentials: { enabled: true },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => undefined,
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({
        scope: 'groups', audience: CLUSTER, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  extraTokenClaims: async (_context, token) => ({ groups: account(token.accountId ?? token.clientId)?.groups ?? [] }),
  findAccount: async (_context, name) => account(name) && {
    accountId: name,
    claims: async () => ({ sub: name, preferred_username: name, ...account(name) }),
  },
};

let provider;
const listener = async (request, response) => {
  if (settings.tokenDelay && request.url.startsWith('/token')) {
    say({ event: 'held', path: request.url });
    await new Promise((resolve) => { setTimeout(resolve, settings.tokenDelay); });
    if (request.socket.destroyed) return; // the client is gone: the request never arrived
  }
  provider(request, response);
};
const server = settings.certificate
  ? https.createServer({ cert: readFileSync(settings.certificate), key: readFileSync(settings.key) }, listener)
  : http.createServer(listener);

server.listen(settings.port ?? 0, '127.0.0.1', () => {
  const issuer = `${settings.certificate ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  const op = new Provider(issuer, configuration);
  const grant = (context) => context.oidc?.params?.grant_type ?? context.oidc?.body?.grant_type;
  op.on('grant.success', (context) => say({ event: 'token', grant: grant(context), outcome: 'success' }));
  op.on('grant.error', (context, error) => say({ event: 'token', grant: grant(context), outcome: error.error }));
  op.on('server_error', (_context, error) => say({ event: 'fault', message: `${error.stack}` }));
  op.on('authorization.error', (_context, error) => say({ event: 'refused', message: `${error.message}: ${error.error_description}` }));
  provider = op.callback();
  say({ event: 'ready', issuer });
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
