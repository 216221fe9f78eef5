/* SPDX-License-Identifier: BSD-2-Clause */
/* One cell of the matrix with Chromium: node chromium.mjs CELL, a JSON object of { offerer: 'browser' | 'library', mdns, hidden:
 * 'browser' | 'library' | '', servers: those of the page, hosts: their addresses, options: of the peer's "new", direct, limit: seconds }.
 * Runs in the browser's namespace; SOTTO_NETNS_OTHER is the library's, SOTTO_INTEROP_PEER the peer. Connects, sends ten megabytes each
 * way, and says what was used. */
import { CONNECTED, Peer, equal, launchChromium, newPage, sleep, trickle, within } from '../interop/lib.mjs';

const MESSAGE = 65536, MESSAGES = 160;
const cell = JSON.parse(process.argv[2]);

async function connect(page, peer) {
  const p = await page.make(true, { iceServers: cell.servers, iceTransportPolicy: cell.hidden === 'browser' ? 'relay' : 'all' });
  peer.tell('new', 0, 'trickle', ...cell.options);
  peer.tell('mode', 0, 'sink');
  const start = Date.now();
  let mine, theirs;
  if (cell.offerer === 'browser') {
    mine = await page.open(p, 'first');
    peer.tell('D', 0, 'offer', await page.offer(p));
    await page.accept(p, (await peer.description(0)).sdp);
    trickle(page, p, peer, 0);
    await page.opened(mine, 1000 * cell.limit);
    theirs = await peer.channel(0, 'first');
  } else {
    theirs = await peer.open(0, 'first');
    peer.tell('offer', 0);
    peer.tell('D', 0, 'answer', await page.answer(p, (await peer.description(0)).sdp));
    trickle(page, p, peer, 0);
    await peer.wait(['open', theirs], 1000 * cell.limit);
    mine = await page.channel(p, 'first');
  }
  await peer.state(0, CONNECTED, 1000);
  return { mine, theirs, seconds: (Date.now() - start) / 1e3 };
}

async function exchange(page, peer, mine, theirs) {
  await page.keep(mine, false);
  peer.tell('send', theirs, 'bin', MESSAGE, MESSAGES);
  const up = await page.sendMany(mine, MESSAGE, MESSAGES), down = await peer.wait(['sent', theirs], 60000);
  await page.received(mine, MESSAGES, 60000);
  equal(await peer.received(theirs, MESSAGES), { messages: MESSAGES, bytes: MESSAGES * MESSAGE, hash: up.hash }, 'at the library');
  equal(await page.count(mine), { messages: MESSAGES, bytes: MESSAGES * MESSAGE, hash: +down[3] }, 'at the page');
}

/* The types of the pair that the library uses; a better one than the first is taken when it is found. */
async function way(peer) {
  for (let i = 0; ; i++) {
    const stats = new Map((await peer.stats(0)).map(s => [s.id, s]));
    const pair = stats.get([...stats.values()].find(s => s.type === 'transport').selectedCandidatePairId);
    const types = pair ? [pair.remoteCandidateId, pair.localCandidateId].map(id => stats.get(id)?.candidateType) : [];
    const text = types.join(' and ');
    if (types.length === 2 && cell.direct === !types.includes('relay')) return text;
    if (i === 40) throw new Error(text + (cell.direct ? ' where there is a direct way' : ' where there is none'));
    await sleep(50);
  }
}

const browser = await launchChromium({ mdns: cell.mdns, hosts: cell.hosts }), peer = new Peer();
let code = 0;
try {
  const text = await within(100000, 'the whole cell', (async () => {
    const page = await newPage(browser);
    const { mine, theirs, seconds } = await connect(page, peer), start = Date.now();
    await exchange(page, peer, mine, theirs);
    const spent = (Date.now() - start) / 1e3;
    return `${await way(peer)}, connected after ${seconds.toFixed(2)} s, ten megabytes each way in ${spent.toFixed(1)} s`;
  })());
  console.log(text);
} catch (e) {
  console.log(String(e.message).split('\n')[0]);
  code = 1;
}
await peer.end();
await browser.close().catch(() => {});
process.exit(code);
