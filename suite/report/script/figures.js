// Three figures of one pair. Each has a sentence, which is also its accessible name.
const [WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM, RAIL] = [520, 220, 56, 14, 10, 166, 184];
const [LOW, UP] = [-12, 3];
const heightOf = (code) => (code === EQUAL ? RAIL : TOP + ((UP - (LOW + ((code - 1) / 249) * (UP - LOW))) / (UP - LOW)) * (BOTTOM - TOP));
const label = (x, y, text, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor }, text);
const figure = (title, sentence, drawing, ...more) => html("figure", { class: "panel" }, html("h4", {}, title),
  drawing, html("figcaption", {}, `${sentence}.`), ...more);
const axis = () => {
  const marks = [];
  for (let decade = LOW; decade <= UP; decade += 3) {
    const y = TOP + ((UP - decade) / (UP - LOW)) * (BOTTOM - TOP);
    marks.push(svg("path", { class: "grid-line", d: `M${LEFT} ${y}H${WIDE - RIGHT}` }), label(LEFT - 6, y + 4, `1e${decade}`, "end"));
  }
  return [...marks, svg("path", { class: "rail", d: `M${LEFT} ${RAIL}H${WIDE - RIGHT}` }), label(LEFT - 6, RAIL + 4, "= 0", "end")];
};
const line = (codes, xs, style) => {
  const there = [...codes].map((code, place) => [xs[place], code]).filter(([, code]) => code < MISSING);
  const points = there.map(([x, code]) => `${x.toFixed(1)},${heightOf(code).toFixed(1)}`);
  return svg("polyline", { class: style, points: points.join(" ") });
};
const bandOf = (codes, xs) => {
  const there = [...codes].map((code, place) => [xs[place], code]).filter(([, code]) => code < MISSING);
  if (!there.length) return null;
  if (there.length === 1) there.push([Math.min(there[0][0] + 12, WIDE - RIGHT), there[0][1]]);
  const top = there.map(([x, code]) => `${x.toFixed(1)},${heightOf(code).toFixed(1)}`);
  return svg("polygon", { class: "band", points: [...top, `${there.at(-1)[0]},${RAIL}`, `${there[0][0]},${RAIL}`].join(" ") });
};
const whenFigure = (one, block) => {
  const steps = block.steps[one.s];
  const [plain, band, twin] = [0, 1, 2].map((place) => block.codes.subarray(one.k + place * steps.length, one.k + (place + 1) * steps.length));
  const xs = steps.map((_, place) => LEFT + (place * (WIDE - LEFT - RIGHT)) / Math.max(1, steps.length - 1));
  const dots = steps.length > 40 ? [] : xs.map((x, place) => plain[place] < MISSING
    ? svg("circle", { class: plain[place] === EQUAL ? "zero" : "dot", cx: x.toFixed(1), cy: heightOf(plain[place]).toFixed(1), r: 3.5 }) : null);
  const every = Math.ceil(steps.length / 10);
  const ticks = xs.map((x, place) => (place % every && place !== steps.length - 1 ? null : label(x, RAIL + 18, String(steps[place]))));
  const first = plain.findIndex((code) => code !== EQUAL && code < MISSING);
  const reached = plain.findLastIndex((code) => code < MISSING);
  const twins = twin.findLastIndex((code) => code < MISSING);
  const sentence = (first < 0 ? `Exactly 0 at every stored step` : `First difference at step ${steps[first]}; ${about(plain[reached])} after step ${steps[reached]}`)
    + (twins < 0 ? "" : `; the float64 twins are ${about(twin[twins])} apart`) + (one.f ? `; step ${one.f} is the first that counts` : "");
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": sentence }, bandOf(band, xs), ...axis(),
    line(twin, xs, "twin"), line(plain, xs, "plain"), ...dots, ...ticks, label(WIDE - RIGHT, HIGH - 5, "training step", "end"));
  const rows = steps.map((step, place) => html("tr", {}, html("th", { scope: "row" }, String(step)),
    ...[plain, band, twin].map((codes) => html("td", { class: "n" }, codes[place] === MISSING ? "–" : about(codes[place])))));
  const table = () => html("table", { class: "numbers" }, html("caption", {}, `${one.q}, ${one.m}, step by step`),
    html("thead", {}, html("tr", {}, ...["Step", "float32", "Up to here rounding", "float64 twins"].map((name) => html("th", { scope: "col" }, name)))), html("tbody", {}, ...rows));
  return figure("When: the difference after each stored step", sentence, drawing,
    html("p", { class: "soft small" }, "Solid: float32. Dashed: the float64 twins. Shaded: rounding, up to 5 times what re-ordered reruns differ by."), later("As a table", table));
};
// A table alternative costs nothing until it is opened.
const later = (title, content) => html("details", { ontoggle: (event) => {
  if (event.target.open && event.target.children.length === 1) event.target.append(content());
} }, html("summary", {}, title));
const ulpName = (bin) => (bin === 0 ? "= 0" : bin === 1 ? "<1" : bin < 12 ? String(2 ** (bin - 2)) : `2^${bin - 2}`);
const muchFigure = (one) => {
  const counts = one.h;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  const bins = Math.max(counts.length, 8);
  const width = Math.min(34, (WIDE - LEFT - RIGHT - 24) / bins);
  const every = Math.ceil((bins * 34) / (WIDE - LEFT - RIGHT));
  const xOf = (bin) => LEFT + (bin ? 24 + bin * width : 0);
  const bars = counts.map((count, bin) => {
    const height = count ? Math.max(2, (count / most) * (BOTTOM - TOP)) : 0;
    return svg("rect", { class: bin ? "bar-full" : "bar-equal", x: xOf(bin), y: BOTTOM - height, width: width - 2, height });
  });
  const names = [...Array(bins).keys()].map((bin) => (bin && bin % every ? null : label(xOf(bin) + width / 2 - 1, BOTTOM + 16, ulpName(bin))));
  const apart = counts.reduce((best, count, bin) => (bin && count > (counts[best] ?? 0) ? bin : best), 0);
  const share = (100 * counts[0]) / total;
  const equal = counts[0] === total ? "100" : counts[0] ? Math.min(share, 99.9).toFixed(share < 0.1 ? 3 : 1) : "0";
  const sentence = `${equal} % of ${total} elements are exactly equal${apart ? `; most others are ${ulpName(apart)}${apart > 1 ? " or more" : ""} units in the last place apart, the farthest ${ulpName(counts.length - 1)}` : ""}`;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": sentence }, svg("path", { class: "rail", d: `M${LEFT} ${BOTTOM}H${WIDE - RIGHT}` }),
    ...bars, ...names, label(LEFT - 6, TOP + 8, String(most), "end"), label(WIDE - RIGHT, BOTTOM + 36, "units in the last place of the tensor's largest element", "end"));
  return figure("How much: elements at the first stored step", sentence, drawing);
};
const whereFigure = (one, block) => {
  const names = block.layers;
  const codes = block.codes.subarray(one.l, one.l + names.length);
  const there = [...codes.keys()].filter((place) => codes[place] !== MISSING);
  const apart = there.filter((place) => codes[place] !== EQUAL);
  const worst = [...apart].sort((a, b) => codes[b] - codes[a]);
  const [wide, high] = [1110, 150];
  const width = Math.min(40, wide / Math.max(1, names.length));
  const bar = (place) => {
    const height = 10 + Math.min(1, codes[place] / 250) * (high - 14);
    return `M${(place * width).toFixed(1)} ${high}v-${height.toFixed(1)}h${Math.max(0.6, width - (width > 3 ? 1 : 0)).toFixed(1)}v${height.toFixed(1)}z`;
  };
  const equal = there.filter((place) => codes[place] === EQUAL).map((place) => `M${(place * width).toFixed(1)} ${high - 4}h${Math.max(0.6, width - 1).toFixed(1)}v4h-${Math.max(0.6, width - 1).toFixed(1)}z`);
  const name = (place) => `${names[place]} (layer ${place})`;
  const sentence = apart.length
    ? `${apart.length} of ${there.length} layers differ; the first is ${name(apart[0])}, the farthest apart ${name(worst[0])}, ${about(codes[worst[0]])}`
    : `All ${there.length} layers are exactly equal`;
  const drawing = svg("svg", { viewBox: `0 0 ${wide} ${high + 4}`, role: "img", "aria-label": sentence },
    svg("path", { class: "bar-full", d: apart.map(bar).join("") }), svg("path", { class: "bar-equal", d: equal.join("") }),
    svg("path", { class: "rail", d: `M0 ${high}H${wide}` }));
  return figure("Where: the difference of each layer after the last step", sentence, drawing, later(`The ${one.t ? "tensors" : "layers"} farthest apart`, () => farTable(one, block, worst.slice(0, 20))));
};
const farTable = (one, block, worst) => {
  const head = (...titles) => html("thead", {}, html("tr", {}, ...titles.map((title) => html("th", { scope: "col" }, title))));
  if (!one.t) {
    return html("table", { class: "numbers" }, html("caption", {}, "Layers, the farthest first"), head("Layer", "Distance"), html("tbody", {}, ...worst.map((place) => html("tr", {},
      html("th", { scope: "row" }, html("code", {}, block.layers[place])), html("td", { class: "n" }, about(block.codes[one.l + place]))))));
  }
  return html("table", { class: "numbers" }, html("caption", {}, "Tensors, the farthest first; those of group P are not judged"), head("Tensor", "Group", "Distance", "Units in the last place, first step"),
    html("tbody", {}, ...one.t.map(([place, group, value, ulp]) => html("tr", {}, html("th", { scope: "row" }, html("code", {}, block.tensors[place])),
      html("td", {}, group), html("td", { class: "n" }, number(value)), html("td", { class: "n" }, number(ulp))))));
};
