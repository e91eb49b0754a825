'use strict';

// A real Express application on a loopback port: what it answers is the reference.

const http = require('node:http');
const express = require('express');
const cookieParser = require('cookie-parser');

const agent = new http.Agent({ keepAlive: true });
const servers = new Map(); // one per list of secrets

function serve(secrets) {
  const key = JSON.stringify(secrets);
  if (!servers.has(key)) {
    const app = express();
    app.use(cookieParser(secrets));
    app.get('/read', (req, res) => {
      res.json({ signedCookies: { ...req.signedCookies }, cookies: { ...req.cookies } });
    });
    app.post('/sign', express.json({ limit: '1mb' }), (req, res) => {
      res.cookie(req.body.name, req.body.value, { signed: true }).end();
    });
    app.use((err, req, res, next) => res.status(500).json({ error: String(err.message || err) }));
    servers.set(key, new Promise((resolve, reject) => {
      const server = http.createServer({ maxHeaderSize: 1 << 20 }, app);
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(server));
    }));
  }
  return servers.get(key);
}

async function request(secrets, options, body) {
  const server = await serve(secrets);
  return new Promise((resolve, reject) => {
    const req = http.request({ agent, host: '127.0.0.1', port: server.address().port, ...options }, (res) => {
      const chunks = [];
      res.on('data', (c) => chunks.push(c));
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (res.statusCode === 200) resolve({ text, headers: res.headers });
        else reject(new Error(`${res.statusCode} ${text}`));
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

// read gives what cookie-parser makes of a Cookie header; a forged cookie is `false`.
exports.read = async (secrets, cookie) => JSON.parse(
  (await request(secrets, { path: '/read', headers: { Cookie: Buffer.from(cookie).toString('latin1') } })).text,
);

// sign gives a cookie's value as res.cookie puts it on the wire.
exports.sign = async (secrets, value, name = 'c') => {
  const { headers } = await request(
    secrets,
    { path: '/sign', method: 'POST', headers: { 'Content-Type': 'application/json' } },
    JSON.stringify({ name, value }),
  );
  const [pair] = headers['set-cookie'][0].split('; ');
  return pair.slice(name.length + 1);
};

exports.close = async () => {
  agent.destroy();
  for (const server of servers.values()) (await server).close();
  servers.clear();
};
