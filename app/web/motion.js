// Motion between the states that the model sends: each mover is drawn on its way from where it was in the state before,
// at the rate of the display. A state comes when the model has one; a picture is drawn when the display can show one.
const MOST_SMOOTH = 200000, LEAST_GAP_MS = 20, MOST_GAP_MS = 2500, MOST_GLIDE_MS = 1200;
let slotOf = new Int32Array(0); // place in the state before of each party by its number, or -1; one for all maps

const motion = {
  glide(frame, now) { // note where each mover of a new state was before
    const old = this.frame, gap = now - (this.shownAt || 0);
    this.shownAt = now; this.from = null;
    if (!old || !frame.n || frame.n > MOST_SMOOTH || gap < LEAST_GAP_MS || gap > MOST_GAP_MS || frame.time_s <= old.time_s) return;
    let most = 0;
    for (let i = 0; i < old.n; i++) if (old.party[i] > most) most = old.party[i];
    for (let i = 0; i < frame.n; i++) if (frame.party[i] > most) most = frame.party[i];
    if (most >= slotOf.length) slotOf = new Int32Array(2 * most + 1).fill(-1);
    for (let i = 0; i < old.n; i++) slotOf[old.party[i]] = i;
    const from = new Uint16Array(frame.points);
    for (let i = 0; i < frame.n; i++) { const was = slotOf[frame.party[i]]; if (was >= 0) { from[2 * i] = old.points[2 * was]; from[2 * i + 1] = old.points[2 * was + 1]; } }
    for (let i = 0; i < old.n; i++) slotOf[old.party[i]] = -1;
    this.from = from; this.glideMs = Math.min(gap, MOST_GLIDE_MS);
  },
  share() { // how far on its way from the last state to this one
    if (!this.from) return 1;
    const t = (performance.now() - this.shownAt) / this.glideMs;
    if (t >= 1) this.from = null;
    return Math.min(1, t);
  },
};
