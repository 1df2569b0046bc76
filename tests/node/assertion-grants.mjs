// Token exchange (RFC 8693) and JWT bearer (RFC 7523) for the OpenID provider of the tests.
// Never takes a token unverified: signature, issuer, audience, expiry and subject are checked with jose.

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TYPE = (name) => `urn:ietf:params:oauth:token-type:${name}`;

class Refusal extends Error {
  constructor(error, description) {
    super(error);
    Object.assign(this, { error, error_description: description, status: 400, statusCode: 400, expose: true });
  }
}

// trusted: [ { issuer, audience, jwks: { keys: […] } } ]; cluster: the resource whose tokens are JWTs
export function register(op, { createLocalJWKSet, jwtVerify }, trusted, cluster, resourceServer) {
  async function subjectOf(token, error) {
    let last = 'no issuer is trusted';
    for (const { issuer, audience, jwks } of trusted) {
      try {
        const options = { issuer, audience, requiredClaims: ['exp', 'sub'] };
        return (await jwtVerify(token, createLocalJWKSet(jwks), options)).payload;
      } catch (problem) { last = problem.message; }
    }
    throw new Refusal(error, last);
  }

  async function accessToken(context, subject) {
    const { client } = context.oidc;
    const grant = new op.Grant({ accountId: subject, clientId: client.clientId });
    grant.addResourceScope(cluster, 'groups');
    const token = new op.AccessToken({
      accountId: subject, client, grantId: await grant.save(), gty: context.oidc.params.grant_type, scope: 'groups',
    });
    token.resourceServer = new op.ResourceServer(cluster, await resourceServer());
    return { value: await token.save(), lifetime: token.expiration };
  }

  async function idToken(context, subject) {
    const token = new op.IdToken({ sub: subject }, { ctx: context });
    token.scope = 'openid';
    return { value: await token.issue({ use: 'idtoken' }), lifetime: op.IdToken.expiresIn(context, token, context.oidc.client) };
  }

  function issue(context, token, type) {
    context.body = { access_token: token.value, token_type: type === TYPE('id_token') ? 'N_A' : 'Bearer', expires_in: token.lifetime };
  }

  op.registerGrantType(TOKEN_EXCHANGE, async (context) => {
    const { subject_token: token, subject_token_type: type, requested_token_type: wanted = TYPE('access_token') } = context.oidc.params;
    if (!token || !type) throw new Refusal('invalid_request', 'subject_token and subject_token_type are required');
    if (![TYPE('jwt'), TYPE('id_token'), TYPE('access_token')].includes(type)) throw new Refusal('invalid_request', 'unknown subject_token_type');
    const { sub } = await subjectOf(token, 'invalid_request'); // RFC 8693 §2.2.2
    if (wanted === TYPE('id_token')) issue(context, await idToken(context, sub), wanted);
    else if ([TYPE('access_token'), TYPE('jwt')].includes(wanted)) issue(context, await accessToken(context, sub), wanted);
    else throw new Refusal('invalid_request', 'unknown requested_token_type');
    context.body.issued_token_type = wanted;
  }, ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'], ['audience', 'resource']);

  op.registerGrantType(JWT_BEARER, async (context) => {
    if (!context.oidc.params.assertion) throw new Refusal('invalid_request', 'assertion is required');
    const { sub } = await subjectOf(context.oidc.params.assertion, 'invalid_grant'); // RFC 7523 §3.1
    issue(context, await accessToken(context, sub));
    if (context.oidc.params.scope?.split(' ').includes('openid')) context.body.id_token = (await idToken(context, sub)).value;
  }, ['assertion', 'scope', 'resource', 'audience'], ['audience', 'resource']);
}
