// What a soak must not show: things that grow, or get slower.

const MIB = 2 ** 20;
const HEAP_GROWTH_MAX = 0.5 * MIB;
const RESIDENT_GROWTH_MAX = 64 * MIB;
const COUNT_GROWTH_MAX = 10;
const DISK_RATIO_MAX = 4;
const LATENCY_RATIO_MAX = 2;
/** Below this many minutes, growth over time and slow tenths are noise. */
const TREND_MINUTES = 5;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const max = (values) => values.reduce((most, value) => Math.max(most, value), 0);

/** The growth of some values from the first to the last, on the line that fits them best. */
function growth(values) {
  const middle = (values.length - 1) / 2;
  const level = mean(values);
  const spread = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  const slope = values.reduce((sum, value, at) => sum + (at - middle) * (value - level), 0);
  return (slope / spread) * (values.length - 1);
}

function tenths(values) {
  const size = Math.max(1, Math.floor(values.length / 10));
  return { first: mean(values.slice(0, size)), last: mean(values.slice(-size)) };
}

/** One verdict a property; `isGood` is undefined for what a short run can't tell. */
export function judge({ samples, restingHeaps, disk, minutes, walBytesMax }) {
  // The first round fills caches and makes code hot.
  const warm = samples.slice(Math.ceil(samples.length / 4));
  const of = (name) => warm.map((sample) => sample[name]);
  const isLong = minutes >= TREND_MINUTES;
  const trend = (name, text, isGood) =>
    isLong
      ? { name, text, isGood }
      : { name, text: `${text}; told from ${TREND_MINUTES} minutes on` };
  // Rows that were overwritten or deleted are in the heap until an optimization: at work it goes up
  // and down by them.
  const secondHalf = restingHeaps.slice(Math.floor(restingHeaps.length / 2));
  const heap = (growth(secondHalf) / (minutes / 2)) * 10;
  const resident = max(of('rss')) - (warm[0]?.rss ?? 0);
  const counts = ['files', 'timers', 'actors', 'listeners'].map((name) => {
    const [first] = of(name);
    if (first === undefined) return { name, text: 'the system does not tell' };
    const most = max(of(name));
    const text = `${first} at first, ${most} at most`;
    return { name, text, isGood: most <= first + COUNT_GROWTH_MAX };
  });
  const latencies = ['update', 'search'].map((kind) => {
    const { first, last } = tenths(of(`${kind}Ms`));
    const text = `p99 ${first.toFixed(1)} ms in the first tenth, ${last.toFixed(1)} in the last`;
    return trend(`${kind} latency`, text, last <= LATENCY_RATIO_MAX * first);
  });
  const ratio = max(disk.map(({ bytes, liveBytes }) => bytes / liveBytes));
  const wal = max(of('walBytes'));
  return [
    trend(
      'heap',
      `${(heap / MIB).toFixed(2)} MiB in 10 minutes, optimized`,
      heap <= HEAP_GROWTH_MAX,
    ),
    trend('resident', `${(resident / MIB).toFixed(1)} MiB more`, resident <= RESIDENT_GROWTH_MAX),
    ...counts,
    { name: 'log', text: `${(wal / MIB).toFixed(1)} MiB at most`, isGood: wal <= walBytesMax },
    {
      name: 'disk',
      text: `${ratio.toFixed(2)} times the live data at most, optimized and closed`,
      isGood: ratio <= DISK_RATIO_MAX,
    },
    ...latencies,
  ];
}
