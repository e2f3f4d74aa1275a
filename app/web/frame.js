// Reads what safepassage.app.scenes.frames and town.pack_streets write.
// ROW: where a row of the charts holds what; safepassage.app.map writes it.

function buffer(view) { return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength); }

function readStreets(view) {
  const data = buffer(view), head = new Uint32Array(data, 0, 2), n = head[0], nPoints = head[1];
  return {
    n, first: new Uint32Array(data, 8, n + 1), xy: new Uint16Array(data, 8 + 4 * (n + 1), 2 * nPoints),
    level: new Uint8Array(data, 8 + 4 * (n + 1) + 4 * nPoints, n),
  };
}

function readFrames(view) {
  const data = buffer(view), n = new Uint32Array(data, 0, 1)[0], lengths = new Uint32Array(data, 4, n), frames = [];
  let at = Math.ceil((4 * (n + 1)) / 8) * 8;
  for (let k = 0; k < n; k++) { frames.push(readFrame(data, at)); at += lengths[k]; }
  return frames;
}

function readFrame(data, from) {
  const head = new DataView(data, from, 56), u = (at) => head.getUint32(at, true);
  const f = { seq: u(0), epoch: u(4), time_s: head.getFloat64(8, true), step_ms: head.getFloat32(16, true) };
  const nRows = u(20), width = u(24), nClosed = u(28), nExits = u(32), nShelters = u(36), n = u(40);
  const nImpacts = u(44), nFront = u(48), side = u(52);
  let at = from + 56;
  const take = (type, count) => { const a = new type(data, at, count); at += count * type.BYTES_PER_ELEMENT; return a; };
  f.rowWidth = width;
  f.rows = take(Float32Array, nRows * width);
  f.closed = take(Uint32Array, nClosed);
  f.exits = take(Uint32Array, nExits * 3);
  f.shelters = take(Uint32Array, nShelters * 2);
  f.n = n;
  f.party = take(Uint32Array, n);
  f.points = take(Uint16Array, 2 * n);
  f.impacts = take(Uint16Array, 4 * nImpacts);
  f.front = take(Uint16Array, 2 * nFront);
  f.homes = take(Uint8Array, side * side);
  f.homesSide = side;
  f.kind = take(Uint8Array, n);
  return f;
}
