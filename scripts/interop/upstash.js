'use strict';

// Runs Upstash's own client against a REST endpoint and its token, and exits with 1 on any difference from what
// the service documents: node upstash.js URL TOKEN [PREFIX]. It touches only keys that begin with the prefix.

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { Redis, errors } = require('@upstash/redis');

const [url, token, prefix = 'interop:'] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node upstash.js URL TOKEN [PREFIX]');
  process.exit(2);
}

const options = { url, token, retry: false, enableTelemetry: false, enableAutoPipelining: false };
const redis = new Redis(options);
const text = new Redis({ ...options, automaticDeserialization: false });
const plain = new Redis({ ...options, automaticDeserialization: false, responseEncoding: false });
const auto = new Redis({ ...options, enableAutoPipelining: true });

const key = (name) => prefix + name;
const sha1 = (script) => createHash('sha1').update(script).digest('hex');
const fails = (promise, pattern) => assert.rejects(promise, (err) => {
  assert.ok(err instanceof errors.UpstashError, `${err}`);
  assert.match(err.message, pattern);
  return true;
});

async function raw(path, init = {}) {
  const res = await fetch(url.replace(/\/+$/, '') + path, {
    ...init,
    headers: { Authorization: `Bearer ${token}`, ...init.headers },
  });
  return { status: res.status, headers: res.headers, body: await res.json() };
}

// Texts that a careless front changes: escapes, what looks like base64 or JSON, planes above the first.
const texts = [
  '', 'a', 'OK', 'T0s=', 'null', 'PONG', '\u0000', 'a\u0000b', '\r\n', '"quoted" \\u0000 \\', '<&>\u2028\u2029', 'Körbe 🛒 𝄞 漢字', '\u007f\u0080\ufffd\ufeff',
  Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join(''), 'x'.repeat(200000), "$3\r\nabc\r\n*1\r\n+OK\r\n",
];

const checks = {
  async ping() {
    assert.equal(await redis.ping(), 'PONG');
    assert.equal(await plain.ping(), 'PONG');
    assert.equal(await redis.echo('hello'), 'hello');
  },
  async 'set, get, del'() {
    assert.equal(await redis.get(key('absent')), null);
    assert.equal(await redis.set(key('a'), 'value'), 'OK');
    assert.equal(await redis.get(key('a')), 'value');
    assert.equal(await redis.set(key('a'), 'other', { nx: true }), null);
    assert.equal(await redis.set(key('a'), 'other', { xx: true, get: true }), 'value');
    assert.equal(await redis.exists(key('a'), key('absent')), 1);
    assert.equal(await redis.del(key('a'), key('absent')), 1);
    assert.equal(await redis.del(key('a')), 0);
  },
  async texts() {
    for (const [i, value] of texts.entries()) {
      assert.equal(await text.set(key('t' + i), value), 'OK');
      assert.equal(await text.get(key('t' + i)), value, `text ${i} with base64`);
      assert.equal(await plain.get(key('t' + i)), value, `text ${i} without base64`);
      assert.equal(await text.strlen(key('t' + i)), Buffer.byteLength(value));
    }
    const name = key('Schlüssel "🛒"\n');
    await text.set(name, 'x');
    assert.equal(await text.get(name), 'x');
    const all = texts.map((_, i) => key('t' + i));
    assert.deepEqual(await text.mget(...all), texts);
    assert.deepEqual(await text.mget(key('absent'), ...all), [null, ...texts]);
    assert.equal(await text.del(name, ...all), texts.length + 1);
  },
  async 'bytes that are no text'() {
    await redis.eval("return redis.call('SET', KEYS[1], '\\255\\254\\128a')", [key('bytes')], []);
    const answer = await raw('/', { method: 'POST', body: JSON.stringify(['GET', key('bytes')]), headers: { 'Upstash-Encoding': 'base64' } });
    assert.deepEqual([...Buffer.from(answer.body.result, 'base64')], [255, 254, 128, 97]);
    assert.equal(await plain.get(key('bytes')), '\ufffd\ufffd\ufffda');
    await redis.del(key('bytes'));
  },
  async 'life'() {
    assert.equal(await redis.setex(key('l'), 100, 'v'), 'OK');
    const left = await redis.ttl(key('l'));
    assert.ok(left > 95 && left <= 100, `ttl ${left}`);
    assert.equal(await redis.expire(key('l'), 1000), 1);
    const ms = await redis.pttl(key('l'));
    assert.ok(ms > 990000 && ms <= 1000000, `pttl ${ms}`);
    assert.equal(await redis.persist(key('l')), 1);
    assert.equal(await redis.ttl(key('l')), -1);
    assert.equal(await redis.ttl(key('absent')), -2);
    assert.equal(await redis.psetex(key('l'), 30, 'v'), 'OK');
    await new Promise((r) => setTimeout(r, 60));
    assert.equal(await redis.get(key('l')), null);
  },
  async 'numbers and JSON'() {
    const values = [0, -1, 42, 1.5, 9007199254740991, true, false, [1, 'two', null, { three: 3 }], { a: { b: ['c'] }, 'ü': '🛒' }];
    for (const v of values) {
      await redis.set(key('j'), v);
      assert.deepEqual(await redis.get(key('j')), v);
      assert.equal(await text.get(key('j')), typeof v === 'object' ? JSON.stringify(v) : String(v));
    }
    await redis.set(key('j'), '101600000000150081467');
    assert.equal(await redis.get(key('j')), '101600000000150081467');
    await redis.set(key('n'), 10);
    assert.equal(await redis.incr(key('n')), 11);
    assert.equal(await redis.incrby(key('n'), -20), -9);
    assert.equal(await redis.incrbyfloat(key('n'), 0.5), -8.5);
    await redis.del(key('j'), key('n'));
  },
  async 'hashes, lists, sets'() {
    assert.equal(await redis.hset(key('h'), { a: 1, b: 'two', c: { d: 3 } }), 3);
    assert.deepEqual(await redis.hgetall(key('h')), { a: 1, b: 'two', c: { d: 3 } });
    assert.deepEqual(await redis.hmget(key('h'), 'a', 'absent'), { a: 1, absent: null });
    assert.equal(await redis.hgetall(key('absent')), null);
    assert.equal(await redis.rpush(key('q'), 'x', 'y', 'OK'), 3);
    assert.deepEqual(await redis.lrange(key('q'), 0, -1), ['x', 'y', 'OK']);
    assert.deepEqual(await redis.lrange(key('absent'), 0, -1), []);
    assert.equal(await redis.sadd(key('s'), 'm'), 1);
    assert.deepEqual(await redis.smembers(key('s')), ['m']);
    assert.equal(await redis.zadd(key('z'), { score: 1.5, member: 'm' }), 1);
    assert.equal(await redis.zscore(key('z'), 'm'), 1.5);
    const [cursor, found] = await redis.scan(0, { match: key('h'), count: 1000 });
    assert.equal(cursor, '0');
    assert.deepEqual(found, [key('h')]);
    assert.equal(await redis.type(key('z')), 'zset');
    await redis.del(key('h'), key('q'), key('s'), key('z'));
  },
  async pipeline() {
    const p = redis.pipeline();
    p.set(key('p'), 1).incr(key('p')).get(key('p')).get(key('absent')).set(key('p2'), { x: 'OK' }).get(key('p2')).mget(key('p'), key('absent'));
    assert.deepEqual(await p.exec(), ['OK', 2, 2, null, 'OK', { x: 'OK' }, [2, null]]);
    const bad = () => redis.pipeline().set(key('p'), 'no number').incr(key('p')).hget(key('p'), 'f').get(key('p'));
    await fails(bad().exec(), /Command 2 \[ incr \] failed: ERR value is not an integer/);
    const kept = await bad().exec({ keepErrors: true });
    assert.deepEqual(kept.map((k) => Boolean(k.error)), [false, true, true, false]);
    assert.match(kept[2].error, /^WRONGTYPE /);
    assert.equal(kept[3].result, 'no number');
    await fails(redis.pipeline().set(key('p'), 'x', { ex: 0 }).exec(), /invalid expire/);
    await redis.del(key('p'), key('p2'));
  },
  async transaction() {
    assert.deepEqual(await redis.multi().set(key('m'), 'OK').get(key('m')).incr(key('m2')).mget(key('m'), key('m2')).exec(), ['OK', 'OK', 1, ['OK', 1]]);
    await fails(redis.multi().set(key('m'), 'x').incr(key('m')).exec(), /Command 2 \[ incr \] failed: ERR/);
    assert.equal(await redis.get(key('m')), 'x');
    const refused = await raw('/multi-exec', { method: 'POST', body: JSON.stringify([['SET', key('m'), 'y'], ['GET']]) });
    assert.equal(refused.status, 400);
    assert.match(refused.body.error, /^(EXECABORT|ERR) /);
    assert.equal(await redis.get(key('m')), 'x', 'a refused transaction changes nothing');
    await redis.del(key('m'), key('m2'));
  },
  async scripts() {
    const script = `return {KEYS[1], ARGV[1], 7, false, {ARGV[2], {ARGV[2]}}, redis.status_reply('OK'), '${Math.random()}'}`;
    await fails(redis.evalsha(sha1(script), [key('e')], ['v', '🛒']), /^NOSCRIPT /);
    const want = [key('e'), 'v', 7, null, ['🛒', ['🛒']], 'OK'];
    assert.deepEqual((await redis.eval(script, [key('e')], ['v', '🛒'])).slice(0, 6), want);
    assert.deepEqual((await redis.evalsha(sha1(script), [key('e')], ['v', '🛒'])).slice(0, 6), want);
    assert.deepEqual((await plain.evalsha(sha1(script), [key('e')], ['v', '🛒'])).slice(0, 6), want);
    assert.equal(await redis.eval("return redis.call('SET', KEYS[1], ARGV[1])", [key('e')], [5]), 'OK');
    assert.equal(await redis.eval("return redis.call('GET', KEYS[1])", [key('e')], []), 5);
    assert.equal(await redis.eval('return nil', [], []), null);
    assert.deepEqual(await redis.eval('return {}', [], []), []);
    await fails(redis.eval("return redis.error_reply('MINE no')", [], []), /^MINE no/);
    const made = redis.createScript(`return ARGV[1] -- ${Math.random()}`);
    assert.equal(await made.exec([], ['first']), 'first');
    assert.equal(await made.exec([], ['again']), 'again');
    await redis.del(key('e'));
  },
  async 'automatic pipelining'() {
    await auto.set(key('auto'), 0);
    const before = auto.pipelineCounter;
    const got = await Promise.all(Array.from({ length: 100 }, () => auto.incr(key('auto'))));
    assert.deepEqual(got, Array.from({ length: 100 }, (_, i) => i + 1));
    assert.equal(auto.pipelineCounter - before, 1);
    const mixed = await Promise.allSettled([auto.get(key('auto')), auto.hget(key('auto'), 'f')]);
    assert.deepEqual(mixed.map((m) => m.status), ['fulfilled', 'rejected']);
    assert.equal(mixed[0].value, 100);
    await auto.del(key('auto'));
  },
  async 'read your writes'() {
    const { headers } = await raw('/', { method: 'POST', body: '["PING"]' });
    assert.ok(headers.get('upstash-sync-token'));
    await redis.ping();
    assert.ok(redis.readYourWritesSyncToken);
  },
  async 'the path style'() {
    const path = (...parts) => '/' + parts.map(encodeURIComponent).join('/');
    const result = async (...args) => {
      const { status, body } = await raw(...args);
      assert.equal(status, 200);
      return body.result;
    };
    assert.equal(await result(path('set', key('u'), 'a/b 🛒', 'EX', '100')), 'OK');
    assert.equal(await result(path('get', key('u'))), 'a/b 🛒');
    assert.equal(await result(path('get', key('u')), { headers: { 'Upstash-Encoding': 'base64' } }), Buffer.from('a/b 🛒').toString('base64'));
    assert.equal(await result(path('set', key('u')) + '?EX=50', { method: 'POST', body: 'a "body"' }), 'OK');
    assert.equal(await result(path('get', key('u'))), 'a "body"');
    const left = await result(path('ttl', key('u')));
    assert.ok(left > 45 && left <= 50, `ttl ${left}`);
    assert.equal(await result(path('get', key('u')) + '?_token=' + encodeURIComponent(token), { headers: { Authorization: '' } }), 'a "body"');
    assert.equal(await result(path('del', key('u')), { method: 'POST' }), 1);
  },
  async errors() {
    await fails(redis.hget(key('x'), undefined), /ERR/);
    const wrong = new Redis({ ...options, token: 'wrong' });
    await fails(wrong.get(key('x')), /^WRONGPASS invalid or missing auth token/);
    await fails(wrong.pipeline().get(key('x')).exec(), /^WRONGPASS invalid or missing auth token/);
    for (const headers of [{ Authorization: '' }, { Authorization: token }, { Authorization: 'Basic ' + token }]) {
      const { status, body } = await raw('/', { method: 'POST', body: '["PING"]', headers });
      assert.equal(status, 401);
      assert.equal(typeof body.error, 'string');
    }
    for (const [path, body] of [
      ['/', '["GET"]'], ['/', '["NOSUCHCOMMAND"]'], ['/', '[]'], ['/', ''], ['/', '{'], ['/', '"GET"'], ['/', '["GET",null]'], ['/', '["SUBSCRIBE","c"]'],
      ['/pipeline', ''], ['/pipeline', '[]'], ['/pipeline', '["GET","a"]'], ['/multi-exec', '{}'],
    ]) {
      const answer = await raw(path, { method: 'POST', body, headers: { 'Upstash-Encoding': 'base64' } });
      assert.equal(answer.status, 400, `${path} ${body}`);
      assert.deepEqual(Object.keys(answer.body), ['error'], `${path} ${body}`);
      assert.match(answer.body.error, /^ERR /, 'errors are never encoded');
    }
    assert.equal((await raw('/', { method: 'DELETE' })).status, 405);
  },
};

async function main() {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (err) {
      failed++;
      console.error(`${name}: ${err.stack || err}`);
    }
  }
  console.log(`${Object.keys(checks).length - failed} of ${Object.keys(checks).length} checks passed`);
  process.exitCode = failed ? 1 : 0;
}

main();
