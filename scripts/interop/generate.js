'use strict';

// Writes testdata/cookies/vectors.json and headers.json from a running Express:
//   vectors.json  [{name, secret, value, cookie}]: cookie is what Express sends for the value, and reads back as the value
//   headers.json  [{name, secrets, cookie, signedCookies, cookies}]: what Express reads from a Cookie header

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { read, sign, close } = require('./express');

const dir = path.join(__dirname, '..', '..', 'testdata', 'cookies');
const long = 'your-super-secret-key-at-least-32-characters-long';

// Random-looking, the same at every run.
const bytes = (seed, n) => Buffer.concat(
  Array.from({ length: Math.ceil(n / 32) }, (_, i) => crypto.createHash('sha256').update(`${seed}/${i}`).digest()),
).subarray(0, n);

function uuid(seed, version) {
  const b = Buffer.from(bytes(seed, 16));
  b[6] = (b[6] & 0x0f) | (version << 4);
  b[8] = (b[8] & 0x3f) | 0x80;
  return b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const key = (seed) => bytes(seed, 32).toString('hex');
const session = (seed) => `${uuid(seed, 7)}.${bytes('secret ' + seed, 32).toString('base64url')}`;
const visitor = (seed) => `v1.${uuid(seed, 7)}`;

const values = [
  ['tobi', 's3cret', 'tobi'],
  ['uuid', long, '550e8400-e29b-41d4-a716-446655440000'],
  ['dots', 'old-secret-2024', 'rotated.value.with.dots'],
  ['empty', 'k', ''],

  ['one character', long, 'a'],
  ['space', long, ' '],
  ['spaces inside', long, 'two words  and more'],
  ['spaces around', long, ' padded '],
  ['only a dot', long, '.'],
  ['only dots', long, '...'],
  ['leading dot', long, '.leading'],
  ['trailing dot', long, 'trailing.'],
  ['unreserved', long, "AZaz09-_.!~*'()"],
  ['reserved', long, ";,/?:@&=+$#[]"],
  ['ascii', long, Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')],
  ['controls', long, Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('') + '\x7f'],
  ['line breaks', long, 'a\r\nSet-Cookie: b=c'],
  ['quotes', long, '"quoted"'],
  ['backslash', long, 'a\\b'],
  ['semicolon', long, 'a; b=c'],
  ['percent', long, '100%'],
  ['escaped already', long, 'a%2Fb%25'],
  ['plus', long, 'a+b c'],
  ['starts with s:', long, 's:tobi'],
  ['a signed cookie', long, 's:tobi.P7EsAQHpzoSEf0BFOllXwa/2xMsd5uceg8nZIFDl/dg'],
  ['starts with j:', long, 'j:not json'],
  ['json', long, '{"id":"1","tags":["a","b"]}'],
  ['html', long, '<script>alert("x")</script>'],
  ['url', long, 'https://shop.example/p?id=1&utm_source=a%20b#top'],
  ['base64', long, 'SGVsbG8sIHdvcmxkIQ=='],
  ['number', long, '1234567890'],
  ['false', long, 'false'],
  ['null', long, 'null'],
  ['__proto__', long, '__proto__'],

  ['latin', long, 'Größe é ñ ÿ'],
  ['czech', long, 'Příliš žluťoučký kůň'],
  ['greek', long, 'καλημέρα'],
  ['cyrillic', long, 'привет'],
  ['hebrew', long, 'שלום'],
  ['japanese', long, 'こんにちは世界'],
  ['emoji', long, '🛒'],
  ['emoji joined', long, '👩‍👩‍👧‍👦'],
  ['composed', long, '\u00e9'],
  ['decomposed', long, 'e\u0301'],
  ['byte order mark', long, '\ufeffx'],
  ['line separators', long, '\u2028\u2029'],
  ['last code point', long, '\u{10ffff}'],

  ['64 bytes', long, 'x'.repeat(64)],
  ['1000 bytes', long, 'y'.repeat(1000)],
  ['3000 bytes', long, bytes('3000', 2250).toString('base64')],
  ['long unicode', long, 'ž'.repeat(300)],

  ['session 1', key('s1'), session('1')],
  ['session 2', key('s2'), session('2')],
  ['session 3', key('s3'), session('3')],
  ['session 4', long, session('4')],
  ['session, version 4', long, `${uuid('5', 4)}.${bytes('secret 5', 32).toString('base64url')}`],
  ['visitor 1', key('v1'), visitor('1')],
  ['visitor 2', key('v2'), visitor('2')],
  ['visitor 3', long, visitor('3')],

  ['secret of one byte', 'x', visitor('4')],
  ['secret of a block', 'b'.repeat(64), visitor('4')],
  ['secret over a block', 'b'.repeat(65), visitor('4')],
  ['secret with spaces', ' a secret with spaces ', visitor('4')],
  ['secret with a comma', 'one,two', visitor('4')],
  ['secret in unicode', 'tajné heslo 🔑 dlouhé aspoň 32 bajtů', visitor('4')],
];

async function vectors() {
  const out = [];
  for (const [name, secret, value] of values) {
    const cookie = await sign([secret], value);
    const got = await read([secret], `c=${cookie}`);
    assert.deepStrictEqual(got, { signedCookies: { c: value }, cookies: {} }, name);
    out.push({ name, secret, value, cookie });
  }
  return out;
}

async function headers() {
  const older = 'the-secret-before-this-one-32-bytes';
  const wire = await sign([long], 'tobi');
  const wireOld = await sign([older], 'tobi');
  const raw = decodeURIComponent(wire);
  const dotted = await sign([long], 'a.b.c');
  const mac = raw.slice(raw.lastIndexOf('.') + 1);
  const flip = (s) => s.slice(0, -1) + (s.endsWith('A') ? 'B' : 'A');
  // 43 characters hold two bits more than 32 bytes: another last character can decode to the same bytes.
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const sameBytes = raw.slice(0, -1) + last[last.indexOf(raw.slice(-1)) ^ 1];

  const cases = [
    ['as sent', [long], `c=${wire}`],
    ['rotated: signed by the first', [long, older], `c=${wire}`],
    ['rotated: signed by the second', [long, older], `c=${wireOld}`],
    ['rotated: signed by none', [long, 'another'], `c=${wireOld}`],
    ['another secret', [older], `c=${wire}`],
    ['value changed', [long], `c=${wire.replace('tobi', 'tobj')}`],
    ['signature changed', [long], `c=${encodeURIComponent(flip(raw))}`],
    ['signature of the same bytes, other spelling', [long], `c=${encodeURIComponent(sameBytes)}`],
    ['signature cut', [long], `c=${encodeURIComponent(raw.slice(0, -1))}`],
    ['signature padded', [long], `c=${encodeURIComponent(raw + '=')}`],
    ['signature in the URL alphabet', [long], `c=${encodeURIComponent('s:tobi.' + mac.replace(/\+/g, '-').replace(/\//g, '_'))}`],
    ['signature in hex', [long], `c=${encodeURIComponent('s:tobi.' + Buffer.from(mac, 'base64').toString('hex'))}`],
    ['no signature', [long], 'c=s%3Atobi'],
    ['empty signature', [long], 'c=s%3Atobi.'],
    ['only s:', [long], 'c=s%3A'],
    ['only s:.', [long], 'c=s%3A.'],
    ['no s:', [long], `c=${encodeURIComponent(raw.slice(2))}`],
    ['S: for s:', [long], `c=${encodeURIComponent('S' + raw.slice(1))}`],
    ['split at the last dot', [long], `c=${dotted}`],
    ['a part of it moved over the dot', [long], `c=${dotted.replace('.c.', '.c')}`],
    ['not escaped', [long], `c=${raw}`],
    ['escaped in lower case', [long], `c=${wire.replace(/%[0-9A-F]{2}/g, (e) => e.toLowerCase())}`],
    ['more escaped than needed', [long], `c=${wire.replace('tobi', '%74%6F%62%69')}`],
    ['escaped twice', [long], `c=${encodeURIComponent(wire)}`],
    ['escape cut', [long], `c=${wire}%`],
    ['escape of no UTF-8', [long], `c=${wire.replace('tobi', '%ff')}`],
    ['quoted', [long], `c="${wire}"`],
    ['spaces around', [long], `  c = ${wire} `],
    ['no space between', [long], `a=1;c=${wire};b=2`],
    ['empty parts', [long], `;; c=${wire};;`],
    ['a part without =', [long], `flag; c=${wire}`],
    ['twice: the first counts', [long], `c=${wire}; c=${dotted}`],
    ['twice: the first counts, forged', [long], `c=s%3Aforged.x; c=${wire}`],
    ['name in another case', [long], `C=${wire}`],
    ['name is part of another', [long], `xc=${wire}`],
    ['unsigned beside it', [long], `theme=dark; c=${wire}`],
    ['empty', [long], 'c='],
    ['json inside', [long], `c=${await sign([long], 'j:{"a":1}')}`],
  ];
  const out = [];
  for (const [name, secrets, cookie] of cases) out.push({ name, secrets, cookie, ...(await read(secrets, cookie)) });
  return out;
}

function write(file, rows) {
  fs.writeFileSync(path.join(dir, file), '[\n' + rows.map((r) => '  ' + JSON.stringify(r)).join(',\n') + '\n]\n');
  console.log(`${file}: ${rows.length}`);
}

async function main() {
  fs.mkdirSync(dir, { recursive: true });
  write('vectors.json', await vectors());
  write('headers.json', await headers());
  await close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
