'use strict';

// Writes testdata/useragents/profiles.jsonl.gz and the notice beside it from the npm package user-agents.
// Profiles that agree in agent, device and platform become one line: their weights added up, `profiles` counts them.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const dir = path.join(__dirname, '..', '..', 'testdata', 'useragents');
const root = path.join(__dirname, 'node_modules', 'user-agents');
const { version, license } = JSON.parse(fs.readFileSync(path.join(root, 'package.json')));

const lines = new Map();
for (const p of JSON.parse(fs.readFileSync(path.join(root, 'dist', 'user-agents.json')))) {
  const { userAgent, deviceCategory, platform } = p;
  const key = JSON.stringify([userAgent, deviceCategory, platform]);
  const line = lines.get(key) || { userAgent, weight: 0, profiles: 0, deviceCategory, platform };
  line.weight += p.weight;
  line.profiles += 1;
  lines.set(key, line);
}

const text = [...lines.values()]
  .sort((a, b) => b.weight - a.weight || (a.userAgent < b.userAgent ? -1 : 1))
  .map((l) => JSON.stringify({ ...l, weight: Number(l.weight.toPrecision(12)) }) + '\n')
  .join('');

fs.mkdirSync(dir, { recursive: true });
fs.writeFileSync(path.join(dir, 'profiles.jsonl.gz'), zlib.gzipSync(text, { level: 9 }));
fs.writeFileSync(path.join(dir, 'NOTICE'),
  `profiles.jsonl.gz is made from the npm package user-agents ${version} (${license}) by
scripts/interop/profiles.js. Changed: fields left out, equal profiles merged.

${fs.readFileSync(path.join(root, 'LICENSE'), 'utf8').trim()}
`);
console.log(`profiles.jsonl.gz: ${lines.size}`);
