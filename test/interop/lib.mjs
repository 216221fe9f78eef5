/* SPDX-License-Identifier: BSD-2-Clause */
/* The rig of the browser tests: the browsers, their pages, and the library's processes in the other network namespace. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const pageScript = readFileSync(join(here, 'page.js'), 'utf8');
const mediaScript = readFileSync(join(here, 'page-media.js'), 'utf8');

export const sleep = ms => new Promise(done => setTimeout(done, ms));
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('not in time: ' + what)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/* --- browsers ------------------------------------------------------------------------------------------------------- */

const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE *.local'];
const FIREFOX_PREFS = {
  'media.gmp-manager.updateEnabled': false, 'media.gmp-manager.url': 'data:text/plain,',
  'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1', 'network.dns.disablePrefetch': true, 'network.trr.mode': 5,
  'network.dns.localDomains': 'firefox.settings.services.mozilla.com,content-signature-2.cdn.mozilla.net,location.services.mozilla.com,push.services.mozilla.com',
  'app.normandy.enabled': false, 'browser.region.network.url': '', 'browser.region.update.enabled': false,
  'toolkit.telemetry.server': 'data:,', 'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false, 'extensions.update.enabled': false, 'dom.push.connection.enabled': false,
};

/* Cameras and microphones that are none, and nobody who has to be asked. Timers run at full speed in every page. */
const CHROMIUM_MEDIA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const FIREFOX_MEDIA = {
  'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true,
  'dom.min_background_timeout_value': 4, 'dom.timeout.enable_budget_timer_throttling': false,
};

/* A Chromium that hides its addresses behind mDNS names, as it does for people, or not. trials: of --force-fieldtrials. hosts: that it
 * may connect to by TCP, numeric addresses too. */
export async function launchChromium({ mdns = false, loopback = false, media = false, trials = '', hosts = [] } = {}) {
  const { chromium } = await import('playwright-core');
  const args = CHROMIUM_ARGS.map(a => a.startsWith('--host-resolver-rules') ? [a, ...hosts.map(h => `EXCLUDE ${h}`)].join(', ') : a);
  if (!mdns) args.push('--disable-features=WebRtcHideLocalIpsWithMdns');
  if (loopback) args.push('--allow-loopback-in-peer-connection');
  if (media) args.push(...CHROMIUM_MEDIA);
  if (trials) args.push(`--force-fieldtrials=${trials}`);
  return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/* mdns: it hides its addresses, as it does for people. */
export async function launchFirefox({ media = false, mdns = false } = {}) {
  const puppeteer = (await import('puppeteer-core')).default;
  return puppeteer.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true,
    extraPrefsFirefox: { ...FIREFOX_PREFS, 'media.peerconnection.ice.obfuscate_host_addresses': mdns, ...(media ? FIREFOX_MEDIA : {}) },
    env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: '1', MOZ_CRASHREPORTER_DISABLE: '1', HOME: firefoxHome() },
    protocolTimeout: 150000, userDataDir: mkdtempSync(join(firefoxHome(), 'profile-')),
  });
}
let home;
function firefoxHome() {
  if (!home) {
    home = mkdtempSync(join(tmpdir(), 'sotto-interop-'));
    process.on('exit', () => rmSync(home, { recursive: true, force: true }));
  }
  return home;
}

export const launch = { chromium: launchChromium, firefox: launchFirefox };

/* Devices are for pages of a secure origin only: 127.0.0.1 counts as one. */
let origin;
function blankPage() {
  origin ??= new Promise(done => {
    const server = createServer((_, answer) => answer.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>sotto</title>'));
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}/`));
    server.unref();
  });
  return origin;
}

/* A new page with the remote control in it: page.make(), page.offer() … are the functions of page.js, and if it may use the
 * browser's devices also those of page-media.js. */
export async function newPage(browser, media = false) {
  const page = await browser.newPage();
  if (media) await page.goto(await blankPage());
  await page.evaluate(pageScript);
  if (media) await page.evaluate(mediaScript);
  return new Proxy(page, {
    get(target, name) {
      if (name === 'raw') return target;
      if (name === 'then') return undefined;
      if (name === 'end') return () => target.close();
      return (...args) => target.evaluate(([f, a]) => window.rig[f](...a), [name, args]);
    },
  });
}

/* --- the library's processes ------------------------------------------------------------------------------------------ */

/* SOTTO_NETNS_OTHER: the namespace where the library runs, a name or a path. */
function start(program, args, options) {
  const other = process.env.SOTTO_NETNS_OTHER, path = other?.startsWith('/') ? other : `/run/netns/${other}`;
  const command = other ? ['nsenter', `--net=${path}`, program, ...args] : [program, ...args];
  return spawn(command[0], command.slice(1), options);
}

const escape = s => s.replace(/\r/g, '').replace(/\n/g, '\\n');
const unescape = s => s.replace(/\\n/g, '\r\n');

/* peer.c: commands in, reports out. */
export class Peer {
  constructor(program = process.env.SOTTO_INTEROP_PEER) {
    this.process = start(program, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.reports = [];
    this.waiting = [];
    this.stderr = '';
    this.process.stderr.on('data', d => { this.stderr = (this.stderr + d).slice(-4000); });
    this.process.stdin.on('error', () => {});
    createInterface({ input: this.process.stdout }).on('line', line => this.#take(line.split('\t')));
    this.process.on('exit', (code, signal) => {
      this.over = `the peer ended: ${code ?? signal} ${this.stderr}`;
      for (const w of this.waiting.splice(0)) w.fail(new Error(this.over));
    });
  }

  #take(report) {
    if (report[0] === 'error') this.lastError = report.join(' ');
    const i = this.waiting.findIndex(w => w.test(report));
    if (i >= 0) this.waiting.splice(i, 1)[0].done(report);
    else this.reports.push(report);
  }

  tell(...fields) {
    this.process.stdin.write(fields.map(f => escape(String(f))).join('\t') + '\n');
  }

  /* The first report, past or to come, that begins with these fields; it is taken out. */
  wait(fields, ms = 60000) { return this.waitAny([fields], ms); }

  /* … or with those of another of these lists. */
  waitAny(lists, ms) {
    const test = r => lists.some(fields => fields.every((f, k) => f === null || String(f) === r[k]));
    const i = this.reports.findIndex(test);
    if (i >= 0) return Promise.resolve(this.reports.splice(i, 1)[0]);
    if (this.over) return Promise.reject(new Error(this.over));
    const w = { test };
    this.waiting.push(w);
    const promise = new Promise((done, fail) => Object.assign(w, { done, fail }));
    return within(ms, `the peer's "${lists[0].join(' ')}"`, promise).catch(e => {
      const last = this.reports.slice(-5).map(r => r.join(' ').slice(0, 40)).join(', ');
      throw new Error(`${e.message}; its last reports: ${last}; ${this.lastError || 'no error'}`);
    }).finally(() => {
      this.waiting = this.waiting.filter(x => x !== w);
    });
  }

  async ask(...fields) { this.tell(...fields); return this.wait(fields.slice(0, 2)); }
  async rss() { return Number((await this.ask('rss'))[1]); }
  async count(i) { const r = await this.ask('count', i); return { messages: +r[2], bytes: +r[3], hash: +r[4] }; }
  async open(n, label, ...options) { this.tell('open', n, label, ...options); return +(await this.wait(['dc']))[1]; }
  async channel(n, label) { return +(await this.wait(['channel', n, null, label]))[2]; }
  async look(n) {
    const r = await this.ask('look', n);
    return {
      signaling: SIGNALING[r[2]], connection: +r[3], dtls: +r[4], ufrag: r[5], errors: this.reports.filter(x => x[0] === 'error' || x[0] === 'gap').map(x => x.join(' ')),
      transceivers: r[7].split(';').filter(t => t).map(t => { const [mid, kind, direction, current] = t.split(','); return { mid, kind, direction, current }; }),
      local: unescape(r[8]), remote: unescape(r[9]),
    };
  }
  async stats(n) { return Object.values(JSON.parse((await this.ask('stats', n))[2])); }
  async description(n) { const r = await this.wait(['D', n]); return { type: r[2], sdp: unescape(r[3]) }; }
  async state(n, value, ms) { return this.wait(['state', n, value], ms); }

  /* Until the channel has received so many messages. */
  async received(i, messages, ms = 60000) {
    const end = Date.now() + ms;
    for (;;) {
      const c = await this.count(i);
      if (c.messages >= messages) return c;
      if (Date.now() > end) throw new Error(`${c.messages} of ${messages} messages arrived at the peer`);
      await sleep(50);
    }
  }

  async end() {
    if (this.over) return;
    const gone = new Promise(done => this.process.once('exit', done));
    this.process.stdin.end();
    await within(5000, 'the end of the peer', gone).catch(() => this.process.kill('SIGKILL'));
  }
}

export const CONNECTED = 2, DISCONNECTED = 3, FAILED = 4, CLOSED = 5;
const SIGNALING = ['stable', 'have-local-offer', 'have-remote-offer', 'have-local-pranswer', 'have-remote-pranswer', 'closed'];

/* Trickled candidates, both ways, for as long as the call lasts, or until what is returned is called. */
export function trickle(page, p, peer, n) {
  let over = false;
  (async () => {
    while (!over) for (const c of await page.candidates(p)) peer.tell('C', n, c.mid, c.line, c.ufrag ?? '');
  })().catch(() => {});
  (async () => {
    for (;;) { const r = await peer.wait(['C', n], 3600e3); await page.add(p, r[3], r[2], r[4]); }
  })().catch(() => {});
  return () => { over = true; };
}

/* Connects connection n of the peer with a new one of the page, which is returned. `before` opens the first channel. */
export async function connect(page, peer, { n = 0, offerer = 'browser', trickled = true, options = [], before } = {}) {
  const p = await page.make(trickled);
  peer.tell('new', n, ...(trickled ? ['trickle'] : []), ...options);
  const first = before ? await before(p) : offerer === 'browser' ? await page.open(p, 'first') : await peer.open(n, 'first');
  if (offerer === 'browser') {
    peer.tell('D', n, 'offer', await page.offer(p));
    await page.accept(p, (await peer.description(n)).sdp);
  } else {
    peer.tell('offer', n);
    peer.tell('D', n, 'answer', await page.answer(p, (await peer.description(n)).sdp));
  }
  if (trickled) trickle(page, p, peer, n);
  await page.connected(p);
  await peer.state(n, CONNECTED);
  return { p, n, first };
}

/* `sotto echo`, signaled as a person would. */
export class Echo {
  constructor(args = [], program = process.env.SOTTO_TOOL) {
    this.process = start(program, ['echo', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.out = this.err = '';
    this.process.stdin.on('error', () => {});
    this.process.stdout.on('data', d => { this.out += d; });
    this.process.stderr.on('data', d => { this.err += d; });
    this.exit = new Promise(done => this.process.on('exit', (code, signal) => done(code ?? signal)));
  }
  give(sdp) { this.process.stdin.end(sdp); }
  async sdp() {
    for (let i = 0; i < 2400; i++) {
      if (/\n\r?\n/.test(this.out)) return this.out.trimEnd() + '\r\n'; /* without the empty line */
      if (this.process.exitCode !== null) throw new Error('sotto echo ended: ' + this.err);
      await sleep(25);
    }
    throw new Error('sotto echo wrote no description: ' + this.err);
  }
  end() { this.process.kill('SIGKILL'); }
}

/* --- results ---------------------------------------------------------------------------------------------------------- */

export const results = { passed: 0, failed: 0, only: process.env.SOTTO_INTEROP_ONLY };
const way = process.env.SOTTO_NO_FAST_PATH ? 'through libnice: ' : ''; /* what the library is told by peer.c */
const PATIENCE = 4; /* ms is what a case may take on a quiet machine; beyond this many times it hangs */
export async function test(what, ms, run, { tries = 1 } = {}) {
  if (results.only && !results.only.split('|').some(text => what.includes(text))) return;
  const name = way + what;
  let start, before = '';
  for (let k = 1; ; k++) {
    start = Date.now();
    try {
      const note = await within(PATIENCE * ms, 'the whole case', run());
      results.passed++;
      return console.log(`ok ${name} (${((Date.now() - start) / 1e3).toFixed(1)} s${note ? '; ' + note : ''}${before})`);
    } catch (e) {
      before += `; at try ${k}: ${String(e.message).split('\n')[0]}`;
      if (k < tries) continue;
      results.failed++;
      return console.log(`not ok ${name} — ${before.slice(2)}`);
    }
  }
}
/* A case that measures how fast or how smooth it goes. The browsers encode, decode and paint in software, beside each other on two cores: a
 * machine that was busy meanwhile spoils what is measured, and is measured again; what is slow by itself is so each time. What connects,
 * negotiates or counts what arrives has one try. */
export const measure = (what, ms, run) => test(what, ms, run, { tries: 3 });
export function equal(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);
}
