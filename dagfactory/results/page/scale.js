/* Scales: numbers, linear or logarithmic, and names; and the colour of a rank. */

const FEW = 6; // so many values are ticks themselves
const LOG_FROM = 10; // a parameter over more than a decade was chosen by its order of magnitude

function scale(values, low, high, kind = "auto") {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.some((value) => typeof value !== "number")) return named(known, low, high);
  return numeric(known, low, high, kind);
}

function named(values, low, high) {
  const names = [...new Set(values.map(String))].sort();
  const step = names.length > 1 ? (high - low) / (names.length - 1) : 0;
  const place = (value) => (step ? low + step * names.indexOf(String(value)) : (low + high) / 2);
  return { place, ticks: names, kind: "names", can: false };
}

function numeric(values, low, high, kind) {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const can = least > 0 && most > least;
  const log = can && (kind === "log" || (kind === "auto" && most / least >= LOG_FROM));
  const through = log ? Math.log10 : (value) => value;
  const from = through(least);
  const span = through(most) - from;
  const place = (value) => (span ? low + ((high - low) * (through(value) - from)) / span : (low + high) / 2);
  const invert = (at) => {
    const value = from + (span * (at - low)) / (high - low);
    return log ? 10 ** value : value;
  };
  const few = [...new Set(values)].sort((a, b) => a - b);
  const ticks = few.length <= FEW ? few : log ? decades(least, most) : even(least, most);
  return { place, invert, ticks, kind: log ? "log" : "linear", can };
}

function decades(least, most) {
  const ticks = [];
  const marks = most / least > 3000 ? [1] : most / least > 30 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most) + 1; power++) {
    for (const mark of marks) ticks.push(Number(`${mark}e${power}`));
  }
  const inside = ticks.filter((value) => value >= least * 0.9999 && value <= most * 1.0001);
  return inside.length > 1 ? inside : [least, most];
}

function even(least, most, wanted = 5) {
  const rough = (most - least) / wanted;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * unit).find((each) => each >= rough) || unit;
  const ticks = [];
  for (let n = Math.ceil(least / step - 1e-9); n * step <= most + step * 1e-9; n++) {
    ticks.push(Number((n * step).toPrecision(12)));
  }
  return ticks;
}

/* So many that each is drawn finer. */
function crowd(trials) {
  return trials.length > 200 ? "many" : "";
}

/* From the best over the middle to the worst; the colours themselves are the style's. */
function tint(trial) {
  if (trial.value === undefined) return "var(--bad)";
  const [from, to, share] =
    trial.standing < 0.5
      ? ["best", "middle", trial.standing * 2]
      : ["middle", "worst", trial.standing * 2 - 1];
  return `color-mix(in oklab, var(--${to}) ${Math.round(share * 100)}%, var(--${from}))`;
}
