'use strict'

// Express with express-session and connect-redis behind the same page, which is
// given: the questions and answers of bench/serve, as far as a session library
// has an answer. One process: what Node runs a server on.
const fs = require('node:fs')
const readline = require('node:readline')
const express = require('express')
const session = require('express-session')
const { RedisStore } = require('connect-redis')
const { createClient } = require('redis')

const [redisAddress, secret, page, countPath] = process.argv.slice(2)

async function main() {
  const client = createClient({ url: 'redis://' + redisAddress })
  client.on('error', (err) => console.error(err))
  await client.connect()
  const app = express()
  app.use(session({ store: new RedisStore({ client }), secret, resave: false, saveUninitialized: false }))
  app.get('*', (req, res) => {
    req.session.views = (req.session.views || 0) + 1
    res.set('Content-Type', 'text/html; charset=utf-8')
    res.send(req.path === countPath ? String(req.session.views) : page)
  })
  const server = app.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`))
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', () => console.log(JSON.stringify(state())))
  lines.on('close', () => process.exit(0))
}

function state() {
  const { user, system } = process.cpuUsage() // µs
  const memory = process.memoryUsage()
  return {
    cpu: (user + system) * 1000,
    mallocs: 0, // V8 does not count them
    heapLive: memory.heapUsed,
    rss: memory.rss,
    goroutines: 0,
    files: fs.readdirSync('/proc/self/fd').length
  }
}

main().catch((err) => {
  console.error(err)
  process.exit(1)
})
