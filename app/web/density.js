// Many movers as density: how many stand in each square of the screen, with a scale of numbers.
const DENSE_PX = 7, SCALE_TOP = [10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000];

function denseColour(count, top) { // of a square with so many: share of colour over the map, red, green, blue
  const t = Math.min(1, Math.log1p(count) / Math.log1p(top));
  return [(110 + 140 * t) / 255, 130 + 125 * (1 - t), 170 * (1 - t), 30 + 60 * (1 - t)];
}

const dense = {
  isDense() { const f = this.frame; return !!f && f.n > 0 && (this.mode === "density" || (this.mode === "auto" && f.n > MANY)); },
  density(pixels, W, H, k, ox, oy, r) {
    const cell = Math.round(DENSE_PX * r), nx = Math.ceil(W / cell), counts = new Uint32Array(nx * Math.ceil(H / cell)), f = this.frame;
    let most = 1;
    for (let i = 0; i < f.n; i++) {
      const x = (f.points[2 * i] * k + ox) | 0, y = (oy - f.points[2 * i + 1] * k) | 0;
      if (x < 0 || y < 0 || x >= W || y >= H) continue;
      const v = ++counts[((y / cell) | 0) * nx + ((x / cell) | 0)]; if (v > most) most = v;
    }
    this.denseTop = SCALE_TOP.find((v) => v >= most) || most; // round, so that colours keep their meaning for a while
    counts.forEach((v, at) => {
      if (!v) return;
      const [share, red, green, blue] = denseColour(v, this.denseTop);
      const x0 = (at % nx) * cell, y0 = Math.floor(at / nx) * cell, x1 = Math.min(x0 + cell, W), y1 = Math.min(y0 + cell, H);
      const mix = (over, under) => (share * over + (1 - share) * under) | 0;
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) {
        const p = pixels[y * W + x];
        pixels[y * W + x] = (255 << 24) | (mix(blue, (p >> 16) & 255) << 16) | (mix(green, (p >> 8) & 255) << 8) | mix(red, p & 255);
      }
    });
  },
  denseScale() { // numbers of parties that the scale shows: 1, round ones between, the top
    const top = this.denseTop || 10;
    return [1, ...SCALE_TOP.filter((v) => v < top), top].filter((v, i, all) => !i || v !== all[i - 1]).slice(-6);
  },
  drawDensityScale(c) { // above the scale of lengths: colours, numbers, and the square in which parties are counted
    if (!this.isDense()) return;
    const numbers = this.denseScale(), side = Math.round(DENSE_PX * this.metresPerPixel()), wide = 44, x = 16, y = this.h - 68;
    const text = `/ ${side} m × ${side} m`;
    c.font = "12px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "left";
    c.fillStyle = "rgba(255,255,255,0.85)"; c.fillRect(x - 6, y - 6, numbers.length * wide + c.measureText(text).width + 16, 34);
    numbers.forEach((v, i) => {
      const [share, red, green, blue] = denseColour(v, this.denseTop), mix = (over) => Math.round(share * over + (1 - share) * 250);
      c.fillStyle = `rgb(${mix(red)},${mix(green)},${mix(blue)})`; c.fillRect(x + i * wide, y, wide - 2, 9);
      c.fillStyle = "#222"; c.fillText(v >= 1e3 ? `${v / 1e3}k` : String(v), x + i * wide, y + 18);
    });
    c.fillText(text, x + numbers.length * wide + 2, y + 18);
  },
};
