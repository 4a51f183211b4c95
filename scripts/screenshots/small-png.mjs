// PNG files with a palette of 256 colors: a third of what a browser's screenshot takes.
import { crc32, deflateSync } from 'node:zlib';

const COLORS_MAX = 256;
const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** A picture of so many pixels, of three bytes each, as a file. */
export function smallPng({ width, height, pixels }) {
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 3) {
    const color = pixels.readUIntBE(at, 3);
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const byCount = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  const palette = byCount.slice(0, COLORS_MAX);
  const indexes = new Map(byCount.map((color, at) => [color, at]));
  for (const color of byCount.slice(COLORS_MAX)) indexes.set(color, nearest(color, palette));
  const row = width + 1;
  const rows = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rows[y * row + 1 + x] = indexes.get(pixels.readUIntBE((y * width + x) * 3, 3));
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits a pixel, by palette.
  head.set([8, 3, 0, 0, 0], 8);
  const colors = Buffer.from(palette.flatMap(channels));
  const data = deflateSync(rows, { level: 9 });
  const chunks = [chunk('IHDR', head), chunk('PLTE', colors), chunk('IDAT', data)];
  return Buffer.concat([SIGNATURE, ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

const channels = (color) => [color >> 16, (color >> 8) & 255, color & 255];

function nearest(color, palette) {
  const own = channels(color);
  const distance = (other) =>
    channels(other).reduce((sum, value, at) => sum + (value - own[at]) ** 2, 0);
  let best = 0;
  for (let at = 1; at < palette.length; at++) {
    if (distance(palette[at]) < distance(palette[best])) best = at;
  }
  return best;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
