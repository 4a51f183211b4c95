import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Model } from '../model.js';
import { countText, timeText } from '../text.js';

const HEIGHT = 150;

/** Operations applied a second, over the last minutes. */
export function Throughput({ rates }: { rates: Model['rates'] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    if (place.current === null) return;
    const made = new uPlot(optionsFor(place.current.clientWidth), [[], []], place.current);
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) made.setSize({ width: entry.contentRect.width, height: HEIGHT });
    });
    observer.observe(place.current);
    // Colors are taken when it is drawn.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', redraw);
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData([rates.at, rates.perSecond]));
  const now = Math.round(rates.perSecond.at(-1) ?? 0);
  return (
    <section aria-labelledby="throughput">
      <h2 id="throughput">
        Throughput <span class="state">{countText(now)} operations a second</span>
      </h2>
      <div
        class="plot"
        ref={place}
        role="img"
        aria-label={`Operations applied a second over the last minutes; now ${now}`}
      />
    </section>
  );
}

/** Hours to seconds, as beside the events. */
const timesOf = (_: uPlot, seconds: readonly number[]) =>
  seconds.map((at) => timeText(at * 1000).slice(0, 8));

function optionsFor(width: number): uPlot.Options {
  const color = (name: string) => () =>
    getComputedStyle(document.documentElement).getPropertyValue(name);
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1 },
  };
  return {
    ...{ width, height: HEIGHT, legend: { show: false }, cursor: { show: false } },
    series: [
      {},
      {
        stroke: color('--accent'),
        width: 2,
        fill: color('--accent-soft'),
        points: { show: false },
      },
    ],
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 10)] } },
    axes: [
      { ...axis, space: 80, values: timesOf },
      { ...axis, size: 60 },
    ],
  };
}
