/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node test/interop/demo-check.mjs URL SCREENSHOT.png [--codec NAME] [--recorded DIR] [--dark]: opens the page of `sotto demo` in a headless
 * Chromium, waits for the call, looks at the picture and its clock, listens to the sound, sends the browser's camera and microphone,
 * sends lines of chat, runs the throughput test, prints what the page shows and takes a screenshot. With DIR, where that demo records:
 * decodes what lies there with ffmpeg. Exit code 0: all worked.
 */
import { parseArgs } from 'node:util';
import { checkPicture, checkRecordings, checkSound, figures, sendCamera } from './demo-media.mjs';
import { launchChromium, sleep } from './lib.mjs';

const CAMERA_S = 6;
const { values: options, positionals: [url, picture] } = parseArgs({
  allowPositionals: true, options: { codec: { type: 'string' }, recorded: { type: 'string' }, dark: { type: 'boolean' } },
});
if (!picture) {
  console.error('usage: node test/interop/demo-check.mjs URL SCREENSHOT.png [--codec NAME] [--recorded DIR] [--dark]');
  process.exit(2);
}
const browser = await launchChromium({ loopback: true, media: true });
const page = await browser.newPage({ viewport: { width: 1180, height: 1460 }, colorScheme: options.dark ? 'dark' : 'light', deviceScaleFactor: 1 });
const problems = [];
page.on('console', m => { if (['error', 'warning'].includes(m.type())) problems.push(m.text()); });
page.on('pageerror', e => problems.push(e.message));
const text = id => page.locator('#' + id).innerText();
const show = (what, value) => console.log(`${what.padEnd(22)} ${value}`);

async function open() {
  const address = options.codec ? `${url}?codec=${options.codec}` : url;
  for (let i = 0; ; i++) { /* the server may still be starting */
    try { await page.goto(address); break; } catch (e) { if (i === 40) throw e; await sleep(250); }
  }
  await page.waitForFunction(() => document.getElementById('status').textContent === 'connected', null, { timeout: 20000 });
  await page.waitForFunction(() => !document.getElementById('send').disabled && !document.getElementById('run').disabled, null, { timeout: 10000 });
}

async function chat() {
  for (const line of ['Is anybody there?', 'Ça marche: ✓']) {
    await page.fill('#text', line);
    await page.click('#send');
    await page.waitForFunction(t => [...document.querySelectorAll('.line.it')].some(x => x.firstChild.data === t), line, { timeout: 5000 });
  }
  show('chat', (await page.locator('.line').allInnerTexts()).map(t => t.replace(/\s+/g, ' ')).join(' | '));
}

async function throughput() {
  const before = await figures(page);
  await page.click('#run');
  await page.waitForFunction(() => /^(done|failed)/.test(document.body.dataset.run || ''), null, { timeout: 60000 });
  await page.waitForFunction(() => !/^[–]/.test(document.getElementById('rtt').textContent), null, { timeout: 5000 });
  const run = await page.evaluate(() => document.body.dataset.run), after = await figures(page);
  show('program to browser', (await text('down')) + ' MB/s, ' + (await text('down-sub')));
  show('browser to program', (await text('up')) + ' MB/s, ' + (await text('up-sub')));
  show('picture meanwhile', `${after.framesDecoded - before.framesDecoded} frames, ${after.freezes - before.freezes} freezes`);
  if (run !== 'done') throw new Error('the throughput run: ' + run);
  if (after.framesDecoded === before.framesDecoded) throw new Error('the picture stood still meanwhile');
}

let code = 0;
try {
  await open();
  for (const s of ['connection', 'ice', 'dtls', 'path', 'setup']) show(s, await text('s-' + s));
  show('picture', await checkPicture(page, { codec: options.codec }));
  show('sound', await checkSound(page));
  const { video, audio, files } = await sendCamera(page, CAMERA_S);
  show('camera, microphone', `${video.mime} ${video.frames} frames, ${video.dropped} dropped; ${audio.mime} ${audio.frames} packets, ${audio.dropped} missing`);
  if (options.recorded && files.length !== 2) throw new Error('recorded: ' + files);
  await chat();
  await throughput();
  await sleep(1500);
  show('round trip', (await text('rtt')) + ' ms, ' + (await text('rtt-sub')));
} catch (e) {
  console.error('demo-check: ' + String(e.message).split('\n')[0]);
  code = 1;
}
await page.screenshot({ path: picture }).catch(e => { console.error('demo-check: no screenshot: ' + e.message); code = 1; });
for (const p of problems) { console.error('demo-check: the page complains: ' + p); code = 1; }
await page.goto('about:blank').catch(() => {}); /* which ends the call, and with it the files */
await sleep(1500);
await browser.close();
if (options.recorded && code === 0) {
  try {
    for (const line of checkRecordings(options.recorded, CAMERA_S)) show('recorded', line);
  } catch (e) {
    console.error('demo-check: ' + e.message);
    code = 1;
  }
}
process.exit(code);
