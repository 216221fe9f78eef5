/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node test/interop/demo-check.mjs URL SCREENSHOT.png: opens the page of `sotto demo` in a headless Chromium, waits for the call,
 * sends a line of chat, runs the throughput test, prints what the page shows and takes a screenshot. Exit code 0: all worked.
 */
import { launchChromium, sleep } from './lib.mjs';

const [url, picture, scheme] = process.argv.slice(2);
if (!picture) {
  console.error('usage: node test/interop/demo-check.mjs URL SCREENSHOT.png [light|dark]');
  process.exit(2);
}
const browser = await launchChromium({ loopback: true });
const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, colorScheme: scheme || 'light', deviceScaleFactor: 2 });
const problems = [];
page.on('console', m => { if (['error', 'warning'].includes(m.type())) problems.push(m.text()); });
page.on('pageerror', e => problems.push(e.message));
const text = id => page.locator('#' + id).innerText();
const show = (what, value) => console.log(`${what.padEnd(22)} ${value}`);

let code = 0;
try {
  for (let i = 0; ; i++) { /* the server may still be starting */
    try { await page.goto(url); break; } catch (e) { if (i === 40) throw e; await sleep(250); }
  }
  await page.waitForFunction(() => document.getElementById('status').textContent === 'connected', null, { timeout: 20000 });
  await page.waitForFunction(() => !document.getElementById('send').disabled && !document.getElementById('run').disabled, null, { timeout: 10000 });
  for (const line of ['Is anybody there?', 'Ça marche: ✓']) {
    await page.fill('#text', line);
    await page.click('#send');
    await page.waitForFunction(t => [...document.querySelectorAll('.line.it')].some(x => x.firstChild.data === t), line, { timeout: 5000 });
  }
  await page.click('#run');
  await page.waitForFunction(() => /^(done|failed)/.test(document.body.dataset.run || ''), null, { timeout: 60000 });
  await page.waitForFunction(() => !/^[–]/.test(document.getElementById('rtt').textContent), null, { timeout: 5000 });
  const run = await page.evaluate(() => document.body.dataset.run);
  await sleep(1500);
  show('status', await text('status'));
  for (const s of ['connection', 'ice', 'dtls', 'path', 'setup']) show(s, await text('s-' + s));
  show('round trip', (await text('rtt')) + ' ms, ' + (await text('rtt-sub')));
  show('chat', (await page.locator('.line').allInnerTexts()).map(t => t.replace(/\s+/g, ' ')).join(' | '));
  show('program to browser', (await text('down')) + ' MB/s, ' + (await text('down-sub')));
  show('browser to program', (await text('up')) + ' MB/s, ' + (await text('up-sub')));
  if (run !== 'done') throw new Error('the throughput run: ' + run);
} catch (e) {
  console.error('demo-check: ' + String(e.message).split('\n')[0]);
  code = 1;
}
await page.screenshot({ path: picture }).catch(e => { console.error('demo-check: no screenshot: ' + e.message); code = 1; });
for (const p of problems) { console.error('demo-check: the page complains: ' + p); code = 1; }
await browser.close();
process.exit(code);
