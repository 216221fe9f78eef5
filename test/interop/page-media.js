/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs inside the browser's page after page.js: transceivers, what became of them, and perfect negotiation as W3C WebRTC 1.0 §10.7
 * has it. */
(() => {
  const rig = window.rig, { pcs, dcs, track, until } = rig.inside;

  /* Fake devices: real packets. One camera and one microphone for the whole page. */
  let devices, large;
  async function sourceOf(kind, layers = 1) {
    if (layers > 1) { /* small pictures have one layer whatever is asked for */
      large ??= navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, frameRate: 15 } });
      return (await large).getVideoTracks()[0].clone();
    }
    devices ??= navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 160, height: 120, frameRate: 10 } });
    const stream = await devices;
    return (kind === 'audio' ? stream.getAudioTracks() : stream.getVideoTracks())[0].clone();
  }
  const sends = direction => direction.startsWith('send');
  const live = pc => pc.getTransceivers().filter(t => t.direction !== 'stopped');

  /* --- one step at a time --------------------------------------------------------------------------------------------- */

  /* media: [{ kind, direction, rids, codec, stream }], in this order; hdrext: every header extension that the browser has. */
  rig.shape = async (n, media, hdrext) => {
    const { pc } = pcs[n], streams = {};
    for (const m of media) {
      const direction = m.direction ?? 'sendrecv', init = { direction };
      if (m.stream) init.streams = [(streams[m.stream] ??= new MediaStream())];
      if (m.rids) init.sendEncodings = m.rids.map((rid, i) => ({ rid, scaleResolutionDownBy: 2 ** (m.rids.length - 1 - i) }));
      const t = pc.addTransceiver(sends(direction) ? await sourceOf(m.kind, m.rids && m.large ? m.rids.length : 1) : m.kind, init);
      if (m.codec) rig.prefer(n, t, [m.codec]);
      if (hdrext) t.setHeaderExtensionsToNegotiate(t.getHeaderExtensionsToNegotiate().map(x => ({ ...x, direction: 'sendrecv' })));
    }
  };
  rig.prefer = (n, t, mimes) => {
    if (typeof t === 'number') t = pcs[n].pc.getTransceivers()[t];
    const all = RTCRtpReceiver.getCapabilities(t.receiver.track.kind).codecs;
    t.setCodecPreferences(mimes.flatMap(mime => all.filter(c => c.mimeType.toLowerCase() === mime.toLowerCase())));
  };
  /* The answerer gives back what it is offered. */
  rig.giveBack = async n => {
    for (const t of live(pcs[n].pc)) {
      await t.sender.replaceTrack(await sourceOf(t.receiver.track.kind));
      t.direction = 'sendrecv';
    }
  };
  rig.has = mime => RTCRtpReceiver.getCapabilities(mime.split('/')[0]).codecs.some(c => c.mimeType.toLowerCase() === mime.toLowerCase());
  rig.provisional = (n, sdp) => pcs[n].pc.setRemoteDescription({ type: 'pranswer', sdp });
  rig.remoteOffer = (n, sdp) => pcs[n].pc.setRemoteDescription({ type: 'offer', sdp });
  rig.describe = async n => {
    await pcs[n].pc.setLocalDescription();
    if (!pcs[n].trickle) await until('gathering', () => pcs[n].pc.iceGatheringState === 'complete');
    return { type: pcs[n].pc.localDescription.type, sdp: pcs[n].pc.localDescription.sdp };
  };
  /* The same, with what = [text, instead] put in: what applications do to ask for more. */
  rig.describeEdited = async (n, [text, instead]) => {
    const { pc } = pcs[n], d = pc.signalingState === 'stable' ? await pc.createOffer() : await pc.createAnswer();
    await pc.setLocalDescription({ type: d.type, sdp: d.sdp.replaceAll(text, instead) });
    return { type: d.type, sdp: pc.localDescription.sdp };
  };
  rig.rollback = (n, remote) => pcs[n].pc[remote ? 'setRemoteDescription' : 'setLocalDescription']({ type: 'rollback' });
  rig.direct = (n, i, direction) => { pcs[n].pc.getTransceivers()[i].direction = direction; };
  rig.stop = (n, i) => pcs[n].pc.getTransceivers()[i].stop();
  rig.restart = n => pcs[n].pc.restartIce();

  /* --- what there is --------------------------------------------------------------------------------------------------- */

  rig.look = n => {
    const p = pcs[n], { pc } = p;
    return {
      signaling: pc.signalingState, connection: pc.connectionState, ice: pc.iceConnectionState, busy: p.busy ?? 0, errors: p.errors ?? [],
      transceivers: pc.getTransceivers().map(t => ({ mid: t.mid ?? '', kind: t.receiver.track.kind, direction: t.direction, current: t.currentDirection ?? '' })),
      local: pc.currentLocalDescription?.sdp ?? '', remote: pc.currentRemoteDescription?.sdp ?? '',
    };
  };
  rig.encodings = (n, i) => pcs[n].pc.getTransceivers()[i].sender.getParameters().encodings.map(e => e.rid ?? '');
  rig.codecs = (n, i) => pcs[n].pc.getTransceivers()[i].sender.getParameters().codecs.map(c => `${c.mimeType} ${c.payloadType}`);
  rig.tracks = (n, i) => pcs[n].pc.getTransceivers()[i].receiver.track.readyState;
  rig.stats = async n => [...(await pcs[n].pc.getStats()).values()];
  rig.fingerprint = async n => {
    const dtls = transportOf(pcs[n].pc), der = dtls?.getRemoteCertificates()[0];
    if (!der) return '';
    return [...new Uint8Array(await crypto.subtle.digest('SHA-256', der))].map(b => b.toString(16).padStart(2, '0').toUpperCase()).join(':');
  };
  const transportOf = pc => pc.sctp?.transport ?? pc.getTransceivers().map(t => t.sender.transport ?? t.receiver.transport).find(t => t);
  rig.dtls = n => transportOf(pcs[n].pc)?.state;
  /* Every state that the DTLS transport enters from now on. */
  rig.watchDtls = n => {
    const p = pcs[n];
    p.dtls = transportOf(p.pc);
    p.dtlsStates = [p.dtls.state];
    p.dtls.addEventListener('statechange', () => p.dtlsStates.push(p.dtls.state));
  };
  rig.watchedDtls = n => ({ states: pcs[n].dtlsStates, same: transportOf(pcs[n].pc) === pcs[n].dtls });

  /* --- pictures and sound ------------------------------------------------------------------------------------------------ */

  /* Every track that is received is played; a page that uses a microphone may do that with sound. One that is not in sight gets no pictures. */
  rig.play = n => {
    const p = pcs[n];
    p.players ??= new Map();
    for (const t of live(p.pc)) {
      if (p.players.has(t)) continue;
      const player = document.createElement('video');
      Object.assign(player, { autoplay: true, muted: t.receiver.track.kind === 'video', playsInline: true, srcObject: new MediaStream([t.receiver.track]) });
      document.body.append(player);
      p.players.set(t, player);
    }
  };
  const canvas = new OffscreenCanvas(640, 360), context = canvas.getContext('2d', { willReadFrequently: true });
  /* How far the clock in the picture of the first video is behind, in ms; null: there is none to be read (tools/media.h). */
  rig.clock = n => {
    for (const [t, player] of pcs[n].players) {
      if (t.receiver.track.kind !== 'video' || !player.videoWidth) continue;
      context.drawImage(player, 0, 0, 640, 360);
      const now = Date.now(), { data } = context.getImageData(0, 0, 640, 64), bytes = [0, 0, 0, 0, 0];
      for (let i = 0; i < 40; i++) {
        let sum = 0;
        for (let y = 10; y < 22; y += 3) for (let x = 10; x < 22; x += 3) sum += data[4 * (((i / 20 | 0) * 32 + y) * 640 + i % 20 * 32 + x) + 1];
        bytes[i >> 3] = bytes[i >> 3] << 1 | (sum > 126 * 16 ? 1 : 0);
      }
      const [a, b, c, d, check] = bytes;
      if ((a + b + c + d + 0x5a & 255) === check) return (now - (a * 2 ** 24 + b * 2 ** 16 + c * 256 + d)) | 0;
    }
    return null;
  };
  /* The first video that is sent becomes noise of this size, which takes many packets. */
  rig.busy = async (n, width, height) => {
    const p = pcs[n];
    const noise = Object.assign(document.createElement('canvas'), { width, height }), pen = noise.getContext('2d');
    clearInterval(p.painter);
    p.painter = setInterval(() => {
      const square = noise.width >> 4;
      for (let i = 0; i < 256; i++) {
        pen.fillStyle = `hsl(${Math.random() * 360} 80% ${Math.random() * 100}%)`;
        pen.fillRect(i % 16 * square, (i >> 4) * square, square, square);
      }
    }, 66);
    await p.pc.getSenders().find(s => s.track?.kind === 'video').replaceTrack(noise.captureStream(15).getVideoTracks()[0]);
  };
  /* The sound that is sent becomes a tone on the left and another one on the right. */
  rig.twoTones = async (n, ...hz) => {
    const p = pcs[n], sound = p.sound = new AudioContext({ sampleRate: 48000 }), both = sound.createChannelMerger(2), to = sound.createMediaStreamDestination();
    hz.forEach((frequency, i) => { const tone = new OscillatorNode(sound, { frequency }); tone.connect(both, 0, i); tone.start(); });
    both.connect(to);
    await p.pc.getSenders().find(s => s.track?.kind === 'audio').replaceTrack(to.stream.getAudioTracks()[0]);
    const split = sound.createChannelSplitter(2), { receiver } = p.pc.getTransceivers().find(t => t.receiver.track.kind === 'audio');
    p.ears = [0, 1].map(i => { const ear = new AnalyserNode(sound, { fftSize: 8192, smoothingTimeConstant: 0 }); split.connect(ear, i); return ear; });
    sound.createMediaStreamSource(new MediaStream([receiver.track])).connect(split);
    await sound.resume();
  };
  /* How much louder the first tone is than the other, on the left and on the right, in dB. */
  rig.tonesOf = (n, hz, other) => pcs[n].ears.map(ear => {
    const spectrum = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(spectrum);
    const at = f => Math.max(-150, spectrum[Math.round(f * 8192 / 48000)]);
    return at(hz) - at(other);
  });
  /* The sound that is received, as the browser's own recorder writes it, in base64. */
  rig.recorded = async (n, ms) => {
    const { receiver } = live(pcs[n].pc).find(t => t.receiver.track.kind === 'audio'), parts = [];
    const recorder = new MediaRecorder(new MediaStream([receiver.track]), { audioBitsPerSecond: 256000 });
    const over = new Promise(done => { recorder.onstop = done; });
    recorder.ondataavailable = e => parts.push(e.data);
    recorder.start();
    setTimeout(() => recorder.stop(), ms);
    await over;
    const reader = new FileReader(), read = new Promise(done => { reader.onload = done; });
    reader.readAsDataURL(new Blob(parts));
    await read;
    return reader.result.slice(reader.result.indexOf(',') + 1);
  };
  /* What came and went, by kind. */
  rig.figures = async n => {
    const all = [...(await pcs[n].pc.getStats()).values()], of = (type, kind) => all.filter(x => x.type === type && (x.kind ?? x.mediaType) === kind);
    const mime = x => all.find(c => c.id === x?.codecId)?.mimeType;
    const [v] = of('inbound-rtp', 'video'), [a] = of('inbound-rtp', 'audio'), outs = of('outbound-rtp', 'video'), [oa] = of('outbound-rtp', 'audio');
    return {
      video: v && { codec: mime(v), decoded: v.framesDecoded ?? 0, freezes: v.freezeCount ?? 0, frozen: v.totalFreezesDuration ?? 0, width: v.frameWidth, height: v.frameHeight, lost: v.packetsLost, nacks: v.nackCount, plis: v.pliCount, keys: v.keyFramesDecoded },
      audio: a && { codec: mime(a), packets: a.packetsReceived, lost: a.packetsLost, samples: a.totalSamplesReceived, concealed: a.concealedSamples, silent: a.silentConcealedSamples, energy: a.totalAudioEnergy, level: a.audioLevel },
      sent: outs.map(o => ({ rid: o.rid ?? '', frames: o.framesSent ?? o.framesEncoded ?? 0, keys: o.keyFramesEncoded, nacks: o.nackCount, plis: o.pliCount, repaired: o.retransmittedPacketsSent ?? 0, target: o.targetBitrate })),
      sentAudio: oa && { packets: oa.packetsSent },
    };
  };

  /* --- flows of numbered messages ---------------------------------------------------------------------------------------- */

  rig.numbered = i => {
    const c = dcs[i];
    Object.assign(c, { next: 0, gaps: [], flown: 0, errors: [] });
    c.dc.onmessage = e => {
      const k = new DataView(e.data).getUint32(0, true);
      if (k !== c.next) c.gaps.push([k, c.next]);
      c.next = k + 1;
    };
  };
  rig.flow = (i, ms) => {
    const c = dcs[i];
    clearInterval(c.timer);
    if (!ms) return;
    c.timer = setInterval(() => {
      const message = new DataView(new ArrayBuffer(64));
      message.setUint32(0, c.flown, true);
      try { c.dc.send(message.buffer); c.flown++; } catch (e) { c.errors.push(String(e)); clearInterval(c.timer); }
    }, ms);
  };
  rig.flowed = i => ({ sent: dcs[i].flown, received: dcs[i].next, gaps: dcs[i].gaps, errors: dcs[i].errors, state: dcs[i].dc.readyState });

  /* --- perfect negotiation ------------------------------------------------------------------------------------------------ */

  /* One queue of messages to the other side, taken by rig.messages(). */
  function post(p, message) {
    p.outbox.push(message);
    p.wake?.();
  }
  rig.messages = async n => {
    const p = pcs[n];
    if (p.outbox.length === 0) await new Promise(done => { p.wake = done; setTimeout(done, 1000); });
    return p.outbox.splice(0);
  };
  async function doing(p, what) {
    p.busy++;
    try { await what(); } catch (e) { p.errors.push(String(e)); } finally { p.busy--; }
  }
  async function describe(p) {
    await p.pc.setLocalDescription();
    const { type, sdp } = p.pc.localDescription;
    post(p, { type, sdp });
  }

  rig.makePerfect = (polite, config) => {
    const n = rig.make(true, config), p = pcs[n], { pc } = p;
    Object.assign(p, { polite, outbox: [], errors: [], busy: 0, offering: false, answered: false, ignoring: false, ignored: 0, yielded: 0 });
    pc.onicecandidate = ({ candidate: c }) => { if (c) post(p, { line: c.candidate, mid: c.sdpMid, ufrag: c.usernameFragment ?? '' }); };
    pc.onnegotiationneeded = () => doing(p, async () => {
      p.offering = true;
      try { await describe(p); } finally { p.offering = false; }
    });
    return n;
  };
  async function onDescription(p, m) {
    const ready = !p.offering && (p.pc.signalingState === 'stable' || p.answering);
    const collision = m.type === 'offer' && !ready;
    p.ignoring = collision && !p.polite;
    if (collision) p[p.ignoring ? 'ignored' : 'yielded']++;
    if (p.ignoring) return;
    p.answering = m.type === 'answer';
    try { await p.pc.setRemoteDescription(m); } finally { p.answering = false; }
    if (m.type === 'offer') await describe(p);
  }
  async function onCandidate(p, m) {
    try {
      await p.pc.addIceCandidate({ candidate: m.line, sdpMid: m.mid, usernameFragment: m.ufrag || undefined });
    } catch (e) { if (!p.ignoring) throw e; }
  }
  /* Does not wait: messages come in as they came. */
  rig.receive = (n, m) => { doing(pcs[n], () => (m.type ? onDescription(pcs[n], m) : onCandidate(pcs[n], m))); };
  rig.collisions = n => ({ ignored: pcs[n].ignored, yielded: pcs[n].yielded });

  /* Chromium wants to use a sender again whose transceiver is being stopped, and then refuses to. */
  function addTrack(pc, track) {
    try { pc.addTrack(track, new MediaStream()); } catch (e) {
      if (!/stopping/.test(e.message)) throw e;
      pc.addTransceiver(track);
    }
  }

  /* Random changes, all in one task: { op, r: which one of those that are not stopped, kind, direction }. */
  rig.change = async (n, changes) => {
    const { pc } = pcs[n];
    const tracks = await Promise.all(changes.map(c => (c.op === 'track' || c.op === 'add' ? sourceOf(c.kind) : null)));
    changes.forEach((c, i) => {
      /* Chromium asks for negotiations without end when a transceiver is stopped that was in no description yet. */
      const all = live(pc).filter(t => c.op !== 'stop' || t.mid !== null), t = all[c.r % all.length];
      if (c.op === 'add') pc.addTransceiver(sends(c.direction) ? tracks[i] : c.kind, { direction: c.direction });
      else if (c.op === 'track') addTrack(pc, tracks[i]);
      else if (c.op === 'restart') pc.restartIce();
      else if (!t) return;
      else if (c.op === 'untrack') pc.removeTrack(t.sender);
      else if (c.op === 'direction') t.direction = c.direction;
      else if (c.op === 'stop') t.stop();
    });
  };
  rig.gone = n => { clearInterval(pcs[n].painter); pcs[n].sound?.close(); for (const player of pcs[n].players?.values() ?? []) player.remove(); for (const s of pcs[n].pc.getSenders()) s.track?.stop(); pcs[n].pc.close(); };
})();
