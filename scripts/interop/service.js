'use strict';

// An Express service that keeps sessions as the one did that shops may come from: a bare
// UUID in a signed cookie, an unsigned visitor_id, and a JSON record in Redis over REST.
// It prints its port. Configured by UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN and
// COOKIE_SECRET.

const crypto = require('node:crypto');
const express = require('express');
const cookieParser = require('cookie-parser');
const { Redis } = require('@upstash/redis');

const redis = new Redis({
  url: process.env.UPSTASH_REDIS_REST_URL,
  token: process.env.UPSTASH_REDIS_REST_TOKEN,
  enableTelemetry: false,
});
const idle = 1800;
const key = (id) => `session:${id}`;

async function save(session) {
  await redis.setex(key(session.sessionId), idle, JSON.stringify(session));
}

async function visit(req, res, next) {
  try {
    const id = req.signedCookies.session;
    let session = id ? await redis.get(key(id)) : null;
    if (session) {
      session.pageViews += 1;
      session.lastSeenAt = new Date().toISOString();
    } else {
      session = {
        sessionId: crypto.randomUUID(),
        visitorId: req.cookies.visitor_id || crypto.randomUUID(),
        type: 'ANONYMOUS',
        ipAddress: req.socket.remoteAddress,
        pageViews: 1,
        lastSeenAt: new Date().toISOString(),
        converted: false,
      };
      res.cookie('session', session.sessionId, { httpOnly: true, sameSite: 'lax', maxAge: idle * 1000, signed: true });
      res.cookie('visitor_id', session.visitorId, { sameSite: 'lax', maxAge: 365 * 24 * 3600 * 1000 });
    }
    await save(session);
    req.session = session;
    next();
  } catch (err) {
    next(err);
  }
}

const app = express();
app.use(cookieParser(process.env.COOKIE_SECRET));
// What cookie-parser makes of the cookies, without a session.
app.get('/cookies', (req, res) => res.json(req.signedCookies));
app.use(visit);
app.get('/', (req, res) => res.json(req.session));
app.post('/login/:customer', async (req, res, next) => {
  try {
    Object.assign(req.session, { customerId: req.params.customer, type: 'CUSTOMER' });
    await save(req.session);
    res.json(req.session);
  } catch (err) {
    next(err);
  }
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
