'use strict';

// Reads JSON lines {"secrets":["…"],"cookie":"name=value; …"} (a Cookie header) and prints one line for
// each, in order: {"signedCookies":{…},"cookies":{…}}, or {"error":"…"}. A forged cookie is `false` in signedCookies.

const readline = require('node:readline');
const { read, close } = require('./express');

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (!line.trim()) continue;
    let out;
    try {
      const { secrets, cookie } = JSON.parse(line);
      if (!Array.isArray(secrets) || typeof cookie !== 'string') throw new Error('want {"secrets":[…],"cookie":"…"}');
      out = await read(secrets, cookie);
    } catch (err) {
      out = { error: String(err.message || err) };
    }
    process.stdout.write(JSON.stringify(out) + '\n');
  }
  await close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
