/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo: what its web server answers and refuses, and its page in several browsers at once. */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { within } from './lib.mjs';

/* Runs `sotto demo` on a free port of this namespace; run(url, port). */
export async function withDemo(run) {
  const server = spawn(process.env.SOTTO_TOOL, ['demo', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await within(10000, 'the address of the demo', new Promise(done => server.stdout.once('data', d => done(String(d)))));
    const url = line.match(/http:\S+/)[0];
    return await run(url, +new URL(url).port);
  } finally {
    const exit = new Promise(done => server.once('exit', done));
    server.kill('SIGTERM');
    const code = await within(5000, 'the end of the demo', exit);
    if (code !== 0) throw new Error(`the demo ended with ${code}`);
  }
}

function ask(port, method, path, headers, body = '') {
  return new Promise((done, fail) => {
    const q = request({ host: '127.0.0.1', port, method, path, headers, setHost: !('host' in headers), agent: false }, r => {
      let text = '';
      r.on('data', d => { text += d; });
      r.on('end', () => done({ status: r.statusCode, headers: r.headers, text }));
    });
    q.on('error', fail);
    q.end(body);
  });
}

const SDP = { 'content-type': 'application/sdp' };

/* method, path, headers, body, status */
const TABLE = port => [
  ['GET', '/', {}, '', 200],
  ['HEAD', '/', {}, '', 200],
  ['GET', '/', { host: `localhost:${port}` }, '', 200],
  ['GET', '/', { host: `LOCALHOST:${port}` }, '', 200],
  ['GET', '/', { host: `[::1]:${port}` }, '', 200],
  ['GET', '/', { host: 'evil.example' }, '', 403],
  ['GET', '/', { host: `evil.example:${port}` }, '', 403],
  ['GET', '/', { host: `localhost.evil.example:${port}` }, '', 403],
  ['GET', '/', { host: `127.0.0.1:${port + 1}` }, '', 403],
  ['GET', '/', { host: '127.0.0.1' }, '', 403],
  ['GET', '/', { host: `10.77.0.1:${port}` }, '', 403],
  ['GET', '/', { origin: `http://127.0.0.1:${port}` }, '', 200],
  ['GET', '/', { origin: 'http://evil.example' }, '', 403],
  ['GET', '/', { 'sec-fetch-site': 'cross-site' }, '', 403],
  ['POST', '/offer', { ...SDP, origin: 'http://evil.example' }, 'v=0', 403],
  ['POST', '/offer', { ...SDP, origin: 'null' }, 'v=0', 403],
  ['POST', '/offer', { ...SDP, origin: `https://127.0.0.1:${port}` }, 'v=0', 403],
  ['POST', '/', SDP, 'v=0', 405],
  ['GET', '/offer', {}, '', 405],
  ['PUT', '/offer', SDP, 'v=0', 405],
  ['OPTIONS', '/offer', { origin: `http://127.0.0.1:${port}` }, '', 405],
  ['GET', '/favicon.ico', {}, '', 404],
  ['GET', '/../etc/passwd', {}, '', 404],
  ['POST', '/offer', {}, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'text/plain' }, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'application/sdpx' }, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'Application/SDP; charset=utf-8' }, 'v=0', 400],
  ['POST', '/offer', SDP, '', 400],
  ['POST', '/offer', SDP, 'garbage', 400],
  ['POST', '/offer', SDP, 'v=0\0', 400],
  ['POST', '/offer', SDP, 'a'.repeat(65536), 400],
  ['POST', '/offer', SDP, 'a'.repeat(65537), 413],
  ['POST', '/offer', { ...SDP, 'transfer-encoding': 'chunked' }, 'a'.repeat(200000), 413],
];

export async function requests() {
  return withDemo(async (url, port) => {
    const wrong = [];
    for (const [method, path, headers, body, status] of TABLE(port)) {
      const r = await ask(port, method, path, headers, body);
      if (r.status !== status) wrong.push(`${method} ${path} ${JSON.stringify(headers)}: ${r.status} instead of ${status}`);
      if (status === 200 && !/default-src 'none'.*nonce-[0-9a-f]{32}'/.test(r.headers['content-security-policy'])) wrong.push('no policy');
      if (r.headers['access-control-allow-origin']) wrong.push(`${method} ${path} is shared with other sites`);
    }
    const pages = [await ask(port, 'GET', '/', {}), await ask(port, 'GET', '/', {})].map(r => r.text);
    if (pages[0] === pages[1] || pages[0].includes('@NONCE@')) wrong.push('the nonce is not fresh');
    if (wrong.length) throw new Error(wrong.join('; '));
    return `${TABLE(port).length} requests`;
  });
}

/* The page itself, in all browsers at the same time: a call, a line of chat, both throughput runs. */
export async function pages(browsers) {
  return withDemo(async url => {
    const rates = await Promise.all(browsers.map(async browser => {
      const page = await browser.newPage();
      try {
        await page.goto(url);
        return await page.evaluate(async () => {
          const id = x => document.getElementById(x);
          const until = async (what, test, ms) => {
            for (const end = performance.now() + ms; !test();) {
              if (performance.now() > end) throw new Error('not in time: ' + what + '; ' + id('status').textContent);
              await new Promise(done => setTimeout(done, 20));
            }
          };
          await until('connected', () => id('status').textContent === 'connected' && !id('send').disabled && !id('run').disabled, 20000);
          id('text').value = 'hello <b>there</b>';
          id('send').click();
          await until('the line back', () => [...document.querySelectorAll('.line.it')].some(x => x.textContent.startsWith('hello <b>there</b>')), 5000);
          id('run').click();
          await until('the run', () => /^(done|failed)/.test(document.body.dataset.run || ''), 60000);
          if (document.body.dataset.run !== 'done') throw new Error(document.body.dataset.run);
          return id('down').textContent + '/' + id('up').textContent;
        });
      } finally { await page.close().catch(() => {}); }
    }));
    return `MB/s down/up: ${rates.join(', ')}`;
  });
}
