/* SPDX-License-Identifier: BSD-2-Clause */
/* The cases: what must be seen to work with a real browser at the other end. Run by test/interop/run. */
import { demoSeries, pages, requests } from './demo.mjs';
import { e2eeSeries, moduleSeries } from './e2ee.mjs';
import { framesSeries } from './frames.mjs';
import { TRIALS, mediaSeries, trialSeries } from './media.mjs';
import { perfectSeries } from './perfect.mjs';
import { CLOSED, CONNECTED, DISCONNECTED, Echo, FAILED, Peer, connect, equal, launch, launchChromium, measure, newPage, results, sleep, test } from './lib.mjs';

const MAX = 262144; /* sotto's and Chromium's largest message */
const SIZES = [[true, 5], [false, 1200], [true, 0], [false, 0], [true, 65537], [false, MAX - 1], [false, MAX], [true, MAX]];
const MB100 = 1600; /* messages of 64 KiB */
const rate = (bytes, ms) => `${(bytes / ms / 1e3).toFixed(1)} MB/s`;

async function withPeer(run) {
  const peer = new Peer();
  try { return await run(peer); } finally { await peer.end(); }
}

/* A page and a process for one case, connected. */
async function call(browser, options, run) {
  return withPeer(async peer => {
    const page = await newPage(browser);
    try { return await run(await connect(page, peer, options), page, peer); } finally { await page.end().catch(() => {}); }
  });
}

/* The page's end of the first channel, wherever it was opened. */
async function pageEnd(page, c, offerer) {
  if (offerer !== 'browser') return page.channel(c.p, 'first');
  await page.opened(c.first);
  return c.first;
}

/* --- one browser ------------------------------------------------------------------------------------------------------ */

async function messages(browser, offerer, trickled) {
  return call(browser, { offerer, trickled }, async (c, page) => {
    const i = await pageEnd(page, c, offerer);
    for (const [text, size] of SIZES) await page.roundTrip(i, text, size);
    equal(await page.maxMessageSize(c.p), MAX, 'max-message-size as the page sees it');
    equal(await page.refuses(i, MAX + 1), 'TypeError', 'one byte more');
  });
}

async function bigDown(browser) {
  return call(browser, {}, async (c, page, peer) => {
    await page.opened(c.first);
    await page.keep(c.first, false);
    const k = await peer.channel(0, 'first'), start = Date.now();
    peer.tell('send', k, 'bin', 65536, MB100);
    const [, , count, hash] = await peer.wait(['sent', k], 300000);
    await page.received(c.first, MB100, 300000);
    const ms = Date.now() - start;
    equal(await page.count(c.first), { messages: MB100, bytes: MB100 * 65536, hash: +hash }, 'at the page');
    return rate(count * 65536, ms);
  });
}

async function bigUp(browser) {
  return call(browser, {}, async (c, page, peer) => {
    await page.opened(c.first);
    peer.tell('mode', 0, 'sink');
    const k = await peer.channel(0, 'first'), start = Date.now();
    const sent = await page.sendMany(c.first, 65536, MB100);
    const got = await peer.received(k, MB100, 300000);
    equal(got, { messages: MB100, bytes: MB100 * 65536, hash: sent.hash }, 'at the library');
    return rate(got.bytes, Date.now() - start);
  });
}

async function manyChannels(browser) {
  return call(browser, {}, async (c, page, peer) => {
    equal(await page.manyChannels(c.p, 160, 20), 160, 'channels of the page');
    for (let done = 0; done < 40; done += 20) { /* and as many from the other side */
      const mine = [];
      for (let k = 0; k < 20; k++) mine.push(await peer.open(0, `back-${done + k}`));
      for (const i of mine) await peer.wait(['open', i]);
      const theirs = [];
      for (let k = 0; k < 20; k++) theirs.push(await page.channel(c.p, `back-${done + k}`));
      for (const i of theirs) await page.roundTrip(i, false, 100);
      for (const i of mine) peer.tell('close', i);
      for (const i of theirs) await page.closed(i);
      for (const i of mine) equal((await peer.wait(['closed', i]))[2], '0', 'how the channel closed');
    }
    await page.roundTrip(c.first, true, 30);
  });
}

async function unreliable(browser) {
  return call(browser, {}, async (c, page, peer) => {
    peer.tell('mode', 0, 'sink');
    const up = await page.open(c.p, 'lossy', { ordered: false, maxRetransmits: 0, protocol: 'drops' });
    await page.opened(up);
    const r = await peer.wait(['channel', 0, null, 'lossy']);
    equal(r.slice(4, 8), ['drops', '1', '1', '0'], 'the channel as the library sees it');
    const sent = await page.sendMany(up, 1000, 3000);
    await sleep(500);
    const got = await peer.count(+r[2]);
    if (got.messages < 1 || got.messages > sent.sent) throw new Error(`${got.messages} of ${sent.sent} arrived`);
    const back = await peer.open(0, 'timed', 'unordered', 'life=200');
    await peer.wait(['open', back]);
    const down = await page.channel(c.p, 'timed'), d = await page.describe(down);
    equal([d.ordered, d.rtx, d.life], [false, null, 200], 'the channel as the page sees it');
    peer.tell('send', back, 'bin', 1000, 3000);
    await peer.wait(['sent', back]);
    await page.received(down, 1);
    peer.tell('mode', 0, 'echo');
    await page.roundTrip(c.first, true, 40); /* the association lives */
    return `${got.messages} of ${sent.sent} arrived`;
  });
}

async function closeChannels(browser) {
  return call(browser, {}, async (c, page, peer) => {
    const a = await page.open(c.p, 'closed by the page');
    await page.opened(a);
    await page.roundTrip(a, true, 10);
    const k = await peer.channel(0, 'closed by the page');
    await page.closeChannel(a);
    await peer.wait(['closing', k]);
    equal((await peer.wait(['closed', k]))[2], '0', 'closed by the page');
    await page.closed(a);
    const b = await peer.open(0, 'closed by the library');
    await peer.wait(['open', b]);
    const p = await page.channel(c.p, 'closed by the library');
    await page.roundTrip(p, true, 10);
    peer.tell('close', b);
    await page.closed(p);
    equal((await peer.wait(['closed', b]))[2], '0', 'closed by the library');
    await page.roundTrip(c.first, true, 10);
  });
}

async function closeCalls(browser) {
  await call(browser, {}, async (c, page, peer) => {
    await page.roundTrip(c.first, true, 10);
    await page.close(c.p);
    await peer.state(0, CLOSED);
  });
  await call(browser, {}, async (c, page, peer) => {
    await page.roundTrip(c.first, true, 10);
    peer.tell('pcclose', 0);
    await page.closed(c.first);
    await peer.state(0, CLOSED);
  });
}

/* The page's certificate is known in advance, by its fingerprint; another one is refused before anything is gathered. */
// proves: S05 S28
async function pinned(browser) {
  return withPeer(async peer => {
    const page = await newPage(browser), p = await page.make(false), first = await page.open(p, 'first'), offer = await page.offer(p);
    const pin = offer.match(/^a=fingerprint:(.*?)\r?$/m)[1], other = pin.replace(/..$/, b => (b === '00' ? '01' : '00'));
    peer.tell('new', 0, `pin=${other}`);
    peer.tell('D', 0, 'offer', offer);
    await peer.wait(['error', 'D']);
    const refused = await peer.look(0);
    equal([refused.signaling, refused.connection], ['stable', 0], 'the connection whose pin is another');
    peer.tell('new', 0, `pin=${pin}`);
    peer.tell('D', 0, 'offer', offer);
    await page.accept(p, (await peer.description(0)).sdp);
    await page.connected(p);
    await peer.state(0, CONNECTED);
    await page.opened(first);
    await page.roundTrip(first, true, 1000);
    await page.end();
  });
}

async function slowReader(browser) {
  return call(browser, {}, async (c, page, peer) => {
    await page.opened(c.first);
    peer.tell('mode', 0, 'sink');
    const k = await peer.channel(0, 'first'), batch = 400;
    const timed = async () => { /* how fast it goes when it is read */
      const start = Date.now(), before = (await peer.count(k)).messages;
      await page.sendMany(c.first, 65536, batch);
      await peer.received(k, before + batch);
      return batch * 65536 / (Date.now() - start);
    };
    const fast = await timed(), rss = await peer.rss(), before = (await peer.count(k)).messages;
    peer.tell('reading', 0, 0);
    const sending = page.sendMany(c.first, 65536, 1e9, 10000, 8 << 20);
    let most = 0;
    for (let i = 0; i < 50; i++) { await sleep(200); most = Math.max(most, await peer.rss()); }
    const { sent } = await sending, stalled = (await peer.count(k)).messages - before;
    if (stalled > 1) throw new Error(`${stalled} messages were delivered while reading was off`);
    if (most - rss > 8192) throw new Error(`memory grew by ${most - rss} KB`);
    peer.tell('reading', 0, 1);
    await peer.received(k, before + sent);
    equal((await peer.count(k)).messages, before + sent, 'messages after reading again');
    const again = await timed();
    if (again < fast * 0.4) throw new Error(`${(again / 1e3).toFixed(1)} MB/s afterwards, ${(fast / 1e3).toFixed(1)} before`);
    return `${most - rss} KB more; ${(fast / 1e3).toFixed(1)} MB/s before, ${(again / 1e3).toFixed(1)} after`;
  });
}

/* The browser's process is killed: no goodbye of any layer. */
async function gone(name) {
  const browser = await launch[name]();
  return call(browser, {}, async (c, page, peer) => {
    await page.roundTrip(c.first, true, 10);
    const start = Date.now();
    await killBrowser(name, browser);
    await peer.state(0, DISCONNECTED, 60000);
    const disconnected = Date.now() - start;
    await peer.state(0, FAILED, 60000 - disconnected);
    return `disconnected after ${(disconnected / 1e3).toFixed(1)} s, failed after ${((Date.now() - start) / 1e3).toFixed(1)} s`;
  });
}
async function killBrowser(name, browser) {
  if (name === 'firefox') return void process.kill(-browser.process().pid, 'SIGKILL'); /* its whole group */
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  for (const p of processInfo) try { process.kill(p.id, 'SIGKILL'); } catch { /* it fell with its parent */ }
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

async function command(browser, offers) {
  const echo = new Echo(offers ? ['--offer'] : []), page = await newPage(browser);
  try {
    const p = await page.make(false);
    let i;
    if (offers) {
      echo.give(await page.answer(p, await echo.sdp()));
      i = await page.channel(p, 'echo');
    } else {
      i = await page.open(p, 'any');
      echo.give(await page.offer(p));
      await page.accept(p, await echo.sdp());
      await page.opened(i);
    }
    for (const [text, size] of SIZES) await page.roundTrip(i, text, size);
    await page.keep(i, false);
    const sent = await page.sendMany(i, 65536, 300); /* comes back while more is sent: back-pressure both ways */
    const before = SIZES.length;
    await page.received(i, before + 300, 60000);
    equal((await page.count(i)).bytes - 300 * 65536, SIZES.reduce((n, s) => n + s[1], 0), 'bytes that came back');
    equal(sent.sent, 300, 'sent');
    await page.close(p);
    equal(await echo.exit, 0, `exit code (${echo.err.trim()})`);
  } finally {
    echo.end();
    await page.end().catch(() => {});
  }
}

async function mdns() {
  const browser = await launchChromium({ mdns: true });
  try { await messages(browser, 'browser', true); await messages(browser, 'library', false); } finally { await browser.close(); }
}

/* A name and no address in the candidates of a description, or another error. */
function onlyNames(sdp, whose) {
  const lines = sdp.match(/^a=candidate:.*$/mg) ?? [];
  const shown = lines.filter(l => / typ host/.test(l) && !/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local [0-9]+ typ host/.test(l));
  if (lines.length === 0 || shown.length > 0 || /10\.77\.|fd77:/.test(sdp)) throw new Error(`${whose} shows: ${shown[0] ?? sdp}`);
}

/* Names only, and one side is told no candidates at all: the other finds it because it has asked for its name. */
async function mdnsNames(hidden, name = 'chromium') {
  const browser = await launch[name]({ mdns: true });
  try {
    await withPeer(async peer => {
      const page = await newPage(browser), p = await page.make(false);
      peer.tell('new', 0, ...(hidden === 'library' ? ['privacy=2'] : []));
      const first = await page.open(p, 'first'), offer = await page.offer(p);
      const without = sdp => sdp.replace(/^a=(candidate|end-of-candidates).*\r\n/mg, '');
      onlyNames(offer, 'the page');
      peer.tell('D', 0, 'offer', hidden === 'library' ? without(offer) : offer);
      const answer = (await peer.description(0)).sdp;
      if (hidden === 'library') onlyNames(answer, 'the library');
      await page.accept(p, hidden === 'library' ? answer : without(answer));
      await page.connected(p);
      await peer.state(0, CONNECTED);
      await page.opened(first);
      for (const [text, size] of SIZES) await page.roundTrip(first, text, size);
      await page.end();
    });
  } finally { await browser.close(); }
}

async function twoBrowsers(a, b) {
  return withPeer(async peer => {
    const pages = [await newPage(a), await newPage(b)];
    const calls = await Promise.all(pages.map((page, n) => connect(page, peer, { n, trickled: n === 0 })));
    await Promise.all(pages.map(async (page, n) => {
      await page.opened(calls[n].first);
      for (const [text, size] of SIZES) await page.roundTrip(calls[n].first, text, size);
      await page.keep(calls[n].first, false);
      const sent = await page.sendMany(calls[n].first, 16384, 500);
      await page.received(calls[n].first, SIZES.length + sent.sent, 60000);
    }));
    await Promise.all(pages.map(page => page.end()));
  });
}

/* --- two of ours ------------------------------------------------------------------------------------------------------ */

async function ownSlowReader() {
  const a = new Peer(), b = new Peer();
  try {
    a.tell('new', 0); b.tell('new', 0); b.tell('mode', 0, 'sink');
    const i = await a.open(0, 'first');
    a.tell('offer', 0);
    b.tell('D', 0, 'offer', (await a.description(0)).sdp);
    a.tell('D', 0, 'answer', (await b.description(0)).sdp);
    await a.wait(['open', i]);
    const k = await b.channel(0, 'first');
    const timed = async () => {
      const start = Date.now(), before = (await b.count(k)).messages;
      a.tell('send', i, 'bin', 65536, 1000);
      await a.wait(['sent', i], 60000);
      await b.received(k, before + 1000);
      return 65536e3 / (Date.now() - start) / 1e3;
    };
    const fast = await timed(), rss = [await a.rss(), await b.rss()];
    b.tell('reading', 0, 0);
    a.tell('send', i, 'bin', 65536, 2000);
    let most = [0, 0];
    for (let n = 0; n < 50; n++) { await sleep(200); most = [Math.max(most[0], await a.rss()), Math.max(most[1], await b.rss())]; }
    const grown = [most[0] - rss[0], most[1] - rss[1]];
    if (Math.max(...grown) > 8192) throw new Error(`memory grew by ${grown} KB (sender, receiver)`);
    equal((await b.count(k)).messages <= 1001, true, 'nothing delivered while reading is off');
    b.tell('reading', 0, 1);
    const sent = await a.wait(['sent', i], 60000), got = await b.received(k, 3000);
    equal([sent[2], got.messages], ['2000', 3000], 'messages');
    const again = await timed();
    if (again < fast * 0.4) throw new Error(`${again.toFixed(1)} MB/s afterwards, ${fast.toFixed(1)} before`);
    return `${grown} KB more; ${fast.toFixed(1)} MB/s before, ${again.toFixed(1)} after`;
  } finally { await a.end(); await b.end(); }
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

async function series(name, browser) {
  for (const offerer of ['browser', 'library'])
    for (const trickled of [true, false])
      await test(`${name}: ${offerer} offers, ${trickled ? 'trickled' : 'not trickled'}: text, binary, empty, largest`, 40000, () => messages(browser, offerer, trickled));
  await test(`${name}: sotto echo answers`, 60000, () => command(browser, false));
  await test(`${name}: sotto echo offers`, 60000, () => command(browser, true));
  await test(`${name}: its certificate is pinned, and another pin refuses it`, 30000, () => pinned(browser));
  await test(`${name}: channels closed from either side`, 30000, () => closeChannels(browser));
  await test(`${name}: connection closed from either side`, 30000, () => closeCalls(browser));
  await test(`${name}: 200 channels opened and closed in one connection`, 60000, () => manyChannels(browser));
  await test(`${name}: unreliable channels`, 30000, () => unreliable(browser));
  await test(`${name}: 100 MB to the page`, 120000, () => bigDown(browser));
  await test(`${name}: 100 MB from the page`, 120000, () => bigUp(browser));
  await measure(`${name}: slow reader, 10 s`, 120000, () => slowReader(browser));
}

/* Media, in a browser of its own: one with devices. */
async function negotiation(name) {
  const browser = await launch[name]({ media: true });
  await mediaSeries(name, browser);
  await perfectSeries(name, browser);
  await demoSeries(name, browser);
  await framesSeries(name, browser);
  await e2eeSeries(name, browser);
  await browser.close().catch(() => {});
  if (name !== 'chromium') return;
  const trying = await launchChromium({ media: true, trials: TRIALS });
  await trialSeries(trying);
  await trying.close().catch(() => {});
}

const names = Object.keys(launch);
const browsers = await Promise.all(names.map(n => launch[n]()));
await moduleSeries();
const background = names.map(n => test(`${n}: page gone without goodbye`, 100000, () => gone(n)));
await Promise.all(names.map((n, i) => series(n, browsers[i])));
await test('chromium: addresses hidden behind mDNS names', 60000, mdns);
await test('chromium: the library finds the page by its mDNS names', 60000, () => mdnsNames('page'));
await test('chromium: the page finds the library by its mDNS names', 60000, () => mdnsNames('library'));
await test('firefox: the page finds the library by its mDNS names', 60000, () => mdnsNames('library', 'firefox'));
await test('firefox: the library finds the page by its mDNS names', 60000, () => mdnsNames('page', 'firefox'));
await test('two browsers at once', 60000, () => twoBrowsers(...browsers));
await test('demo: what the web server answers and refuses', 20000, requests);
await test('demo: the page in two browsers at once', 90000, () => pages(browsers));
await measure('two peers of ours: slow reader, 10 s', 120000, ownSlowReader);
await Promise.all(background);
await Promise.all(browsers.map(b => b.close().catch(() => {})));
await Promise.all(names.map(negotiation));
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed || !results.passed ? 1 : 0);
