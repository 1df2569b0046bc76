// A certified OpenID provider for the tests, on loopback.
// Never holds rules of its own: accounts, lifetimes and delays come from the settings file.
//
// usage: node oidc-provider.mjs NODE_MODULES SETTINGS.json
// settings: { port?, issuer?, certificate?, key?, accounts: FILE with { name: { claim: value } }, lifetimes: { IdToken: seconds, … },
//             robotSecret, tokenDelay: milliseconds, signerKeys: JWKS, clientAuthority: FILE,
//             trusted: [ { issuer, audience, jwks } ] }
// Each event is one line of JSON on stdout: {"event":"ready","issuer":…}, {"event":"token","grant":…,"outcome":…},
// {"event":"request","method":…,"path":…}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, settingsFile] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(modules, 'oidc-provider', 'lib', 'index.js')));
const jose = await import(pathToFileURL(join(modules, 'jose', 'dist', 'webapi', 'index.js')));
const { JWT_BEARER, TOKEN_EXCHANGE, register } = await import('./assertion-grants.mjs');
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

// RFC 8707: access tokens for this resource are JWTs (RFC 9068); others are opaque.
const CLUSTER = 'https://kubernetes.test/';
const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'groups'];

// Read anew each time: an administrator may have changed it.
const account = (name) => JSON.parse(readFileSync(settings.accounts, 'utf8'))[name];
const jwk = (type, options, more) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more,
});

const cluster = async () => ({
  scope: 'groups', audience: CLUSTER, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } },
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
      grant_types: ['client_credentials', JWT_BEARER, TOKEN_EXCHANGE],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'form-robot', // the same, with its secret in the form (RFC 6749 §2.3.1)
      client_secret: settings.robotSecret ?? randomBytes(24).toString('base64url'),
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'signer',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: settings.signerKeys ?? { keys: [jwk('ec', { namedCurve: 'P-256' }, { kid: 'nobody', d: undefined })] },
      grant_types: ['client_credentials', JWT_BEARER, TOKEN_EXCHANGE],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'certified', // RFC 8705 §2.1
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=certified',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'exchanger', // a public client: what it is given proves itself
      token_endpoint_auth_method: 'none',
      grant_types: [JWT_BEARER, TOKEN_EXCHANGE],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'],
  pkce: { required: () => true },
  scopes: SCOPES,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'], profile: ['preferred_username', 'clearance'] },
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
    revocation: { enabled: true },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: (context) => context.socket.getPeerX509Certificate?.()?.toString(),
      certificateAuthorized: (context) => context.socket.authorized,
      certificateSubjectMatches: (context, property, expected) => property === 'tls_client_auth_subject_dn'
        && `CN=${context.socket.getPeerCertificate().subject.CN}` === expected,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => undefined,
      useGrantedResource: async () => true,
      getResourceServerInfo: cluster,
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
  say({ event: 'request', method: request.method, path: request.url.split('?')[0] });
  if (settings.tokenDelay && request.url.startsWith('/token')) {
    say({ event: 'held', path: request.url });
    await new Promise((resolve) => { setTimeout(resolve, settings.tokenDelay); });
    if (request.socket.destroyed) return; // the client is gone: the request never arrived
  }
  provider(request, response);
};
const server = settings.certificate
  ? https.createServer({
    cert: readFileSync(settings.certificate),
    key: readFileSync(settings.key),
    requestCert: Boolean(settings.clientAuthority),
    rejectUnauthorized: false, // the client's row says whether it needs a certificate
    ca: settings.clientAuthority && readFileSync(settings.clientAuthority),
  }, listener)
  : http.createServer(listener);

server.listen(settings.port ?? 0, '127.0.0.1', () => {
  const issuer = settings.issuer ?? `${settings.certificate ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  const op = new Provider(issuer, configuration);
  register(op, jose, settings.trusted ?? [], CLUSTER, cluster);
  const grant = (context) => context.oidc?.params?.grant_type ?? context.oidc?.body?.grant_type;
  const accountOf = (context) => context.oidc?.entities?.Account?.accountId;
  op.on('grant.success', (context) => say({ event: 'token', grant: grant(context), outcome: 'success', account: accountOf(context) }));
  op.on('grant.error', (context, error) => say({ event: 'token', grant: grant(context), outcome: error.error, detail: error.error_detail, account: accountOf(context) }));
  op.on('grant.revoked', () => say({ event: 'session-ended' }));
  op.on('server_error', (_context, error) => say({ event: 'fault', message: `${error.stack}` }));
  op.on('authorization.error', (_context, error) => say({ event: 'refused', message: `${error.message}: ${error.error_description}` }));
  provider = op.callback();
  say({ event: 'ready', issuer });
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
