// Three figures of one pair. Each has a sentence, which is also its accessible name.
const [WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM, RAIL] = [520, 220, 56, 14, 10, 166, 184];
const END = WIDE - RIGHT;
const yOf = (decade) => TOP + ((3 - decade) / 15) * (BOTTOM - TOP);
const heightOf = (code) => (code === EQUAL ? RAIL : yOf(logOf(code)));
const label = (x, y, text, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor }, text);
const figure = (title, sentence, drawing, ...more) => h("figure.panel", { tabindex: 0, "aria-label": title }, h("h4", title),
  drawing, h("figcaption", `${sentence}.`), ...more);
const picture = (wide, high, sentence, ...rest) => svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": sentence }, ...rest);
// Which layers have a number, which of them differ, and these by how much.
const spread = (codes) => {
  const there = [...codes.keys()].filter((at) => codes[at] !== MISSING);
  const apart = there.filter((at) => codes[at] !== EQUAL);
  return { there, apart, worst: apart.toSorted((a, b) => codes[b] - codes[a]) };
};
const axis = (name) => {
  const marks = [-12, -9, -6, -3, 0, 3].flatMap((decade) => {
    const y = yOf(decade);
    return [svg("path.grid-line", { d: `M${LEFT} ${y}H${END}` }), label(LEFT - 6, y + 4, `1e${decade}`, "end")];
  });
  return [...marks, svg("path.rail", { d: `M${LEFT} ${RAIL}H${END}` }), label(LEFT - 6, RAIL + 4, "= 0", "end"), label(0, HIGH - 5, `↑ ${name}`, "start")];
};
const thereOf = (codes, xs) => [...codes].map((code, at) => [xs[at], heightOf(code), code]).filter(([, , code]) => code < MISSING);
const spots = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
const curve = (codes, xs, style) => svg("polyline", { class: style, points: spots(thereOf(codes, xs)) });
const bandOf = (codes, xs) => {
  const there = thereOf(codes, xs);
  if (!there.length) return null;
  const last = there.at(-1);
  if (there.length === 1) there.push([Math.min(last[0] + 12, END), last[1]]);
  return svg("polygon.band", { points: spots([...there, [there.at(-1)[0], RAIL], [there[0][0], RAIL]]) });
};
const whenFigure = (one, block) => {
  const steps = block.steps[one.s];
  const [plain, band, float64] = [0, 1, 2].map((at) => block.codes.subarray(one.k + at * steps.length, one.k + (at + 1) * steps.length));
  const xs = steps.map((_, at) => LEFT + (at * (END - LEFT)) / Math.max(1, steps.length - 1));
  const dots = steps.length > 40 ? [] : xs.map((x, at) => plain[at] < MISSING
    ? svg("circle", { class: plain[at] === EQUAL ? "zero" : "dot", cx: x, cy: heightOf(plain[at]), r: 3.5 }) : null);
  const every = Math.ceil(steps.length / 10);
  const ticks = xs.map((x, at) => (at % every && at !== steps.length - 1 ? null : label(x, RAIL + 18, String(steps[at]))));
  const first = plain.findIndex((code) => code !== EQUAL && code < MISSING);
  const reached = plain.findLastIndex((code) => code < MISSING);
  const last = float64.findLastIndex((code) => code < MISSING);
  const sentence = (first < 0 ? "Exactly 0 at every stored step" : `First difference at step ${steps[first]}; ${about(plain[reached])} after step ${steps[reached]}`)
    + (last < 0 ? "" : `; the float64 runs are ${about(float64[last])} apart`) + (one.f ? `; step ${one.f} is the first that counts` : "");
  const drawing = picture(WIDE, HIGH, sentence, bandOf(band, xs), axis(one.m),
    curve(float64, xs, "float64"), curve(plain, xs, "plain"), dots, ticks, label(END, HIGH - 5, "training step", "end"));
  const table = () => numbersTable(`${one.q}, ${one.m}, step by step`, ["Step", "float32", "Up to here rounding", "float64 runs"],
    steps.map((step, at) => line(String(step), ...[plain, band, float64].map((codes) => about(codes[at])))));
  return figure("When: the difference after each stored step", sentence, drawing,
    h("p.soft.small", "Solid: float32. Dashed: the float64 runs. Shaded: rounding, up to 5 times what re-ordered reruns differ by."), later("As a table", table));
};
// A table alternative costs nothing until it is opened.
const later = (title, content) => h("details", { ontoggle: (event) => {
  if (event.target.open && event.target.children.length === 1) event.target.append(content());
} }, h("summary", title));
const ulpName = (bin) => (bin === 0 ? "= 0" : bin === 1 ? "<1" : bin < 12 ? String(2 ** (bin - 2)) : `2^${bin - 2}`);
const muchFigure = (one) => {
  const counts = one.h;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  const bins = Math.max(counts.length, 8);
  const width = Math.min(34, (END - LEFT - 24) / bins);
  const every = Math.ceil((bins * 44) / (END - LEFT));
  const xOf = (bin) => LEFT + (bin ? 24 + bin * width : 0);
  const bars = counts.map((count, bin) => {
    const height = count ? Math.max(2, (count / most) * (BOTTOM - TOP)) : 0;
    return svg("rect", { class: bin ? "bar-full" : "bar-equal", x: xOf(bin), y: BOTTOM - height, width: width - 2, height });
  });
  const names = upTo(bins).map((bin) => (bin && bin % every ? null : label(xOf(bin) + width / 2 - 1, BOTTOM + 16, ulpName(bin))));
  const apart = counts.reduce((best, count, bin) => (bin && count && count > (best ? counts[best] : 0) ? bin : best), 0);
  const share = (100 * counts[0]) / total;
  const equal = counts[0] === total ? "100" : counts[0] ? Math.min(share, 99.9).toFixed(share < 0.1 ? 3 : 1) : "0";
  const sentence = `${equal} % of ${total} elements are exactly equal${apart ? `; most others are ${ulpName(apart)}${apart > 1 ? " or more" : ""} units in the last place apart, the farthest ${ulpName(counts.length - 1)}` : ""}`;
  const drawing = picture(WIDE, HIGH, sentence, svg("path.rail", { d: `M${LEFT} ${BOTTOM}H${END}` }),
    ...bars, names, label(LEFT - 6, TOP + 8, String(most), "end"), label(0, BOTTOM + 36, "↑ elements", "start"), label(END, BOTTOM + 36, "units in the last place (ULP) of the tensor's largest element", "end"));
  return figure("How much: elements at the first stored step", sentence, drawing);
};
const whereFigure = (one, block) => {
  const names = block.layers;
  const codes = block.codes.subarray(one.l, one.l + names.length);
  const { there, apart, worst } = spread(codes);
  const [wide, high] = [1110, 150];
  const width = Math.min(60, wide / Math.max(1, names.length));
  const thick = Math.max(0.6, width - (width > 3 ? 1 : 0)).toFixed(1);
  const bar = (at) => {
    const height = codes[at] === EQUAL ? 4 : (10 + Math.min(1, codes[at] / 250) * (high - 14)).toFixed(1);
    return `M${(at * width).toFixed(1)} ${high}v-${height}h${thick}v${height}z`;
  };
  const name = (at) => `${names[at]} (layer ${at})`;
  const sentence = apart.length
    ? `${apart.length} of ${there.length} layers differ; the first is ${name(apart[0])}, the farthest apart ${name(worst[0])}, ${about(codes[worst[0]])}`
    : `All ${there.length} layers are exactly equal`;
  const few = names.length < 25;
  const titles = few ? names.map((text, at) => svg("text", { transform: `translate(${at * width + width / 2} ${high + 12}) rotate(35)` }, text)) : [];
  const drawing = picture(wide, high + (few ? 80 : 4), sentence, ...titles,
    svg("path.bar-full", { d: apart.map(bar).join("") }), svg("path.bar-equal", { d: there.filter((at) => codes[at] === EQUAL).map(bar).join("") }),
    svg("path.rail", { d: `M0 ${high}H${wide}` }));
  return figure("Where: each layer after the last step, by powers of ten", sentence, drawing, later(`The ${one.t ? "tensors" : "layers"} farthest apart`, () => farTable(one, block, worst.slice(0, 20))));
};
const farTable = (one, block, worst) => (one.t
  ? numbersTable("The farthest first; neutral ones are not judged", ["Tensor", "Group", "Distance", "ULP, first step"],
    one.t.map(([at, group, value, ulp]) => line(h("code", block.tensors[at]), group, number(value), number(ulp))))
  : numbersTable("Layers, the farthest first", ["Layer", "Distance"], worst.map((at) => line(h("code", block.layers[at]), about(block.codes[one.l + at])))));
