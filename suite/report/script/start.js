// Takes over from the static tables, and keeps address, switches and page in step.
const drawAll = (focus) => {
  const scenario = scenarioNow();
  byId("scenario").selectedIndex = state.scenario;
  byId("quantity").replaceChildren(html("option", { value: "" }, "the worst of all"), ...Object.keys(scenario.q).map((name) => html("option", {}, name)));
  byId("quantity").value = state.quantity;
  byId("show").value = state.show;
  drawMatrix();
  drawSaved();
  drawPair(focus);
  drawLayers();
};
const say = (words) => { byId("said").textContent = words; };
const copy = async () => {
  const words = `Keras parity ${DATA.report} ${location.hash || (DATA.scenarios.length ? addressOf({}) : "#")}`;
  try {
    await navigator.clipboard.writeText(words);
    say("copied");
  } catch {
    say(words);
  }
};
// Light, dark, and back to what the system says.
const turnTheme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  paint();
};
document.querySelector(".buttons").hidden = false;
byId("copy").addEventListener("click", copy);
byId("theme").addEventListener("click", turnTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
if (DATA.scenarios.some((scenario) => scenario.v.replaceAll(".", ""))) {
  for (const node of document.querySelectorAll(".static")) node.remove();
  for (const id of ["switches", "matrix", "views", "table"]) byId(id).hidden = false;
  byId("scenario").addEventListener("change", (event) => change({ scenario: event.target.selectedIndex }));
  byId("quantity").addEventListener("change", (event) => change({ quantity: event.target.value }));
  byId("show").addEventListener("change", (event) => change({ show: event.target.value }));
  // A link to a view leads to the table of saved models; one to a pair puts the focus on its heading.
  const follow = () => {
    if (!readState()) return false;
    const at = byId(new URLSearchParams(location.hash.slice(1)).get("at") ?? "");
    drawAll(!at);
    at?.scrollIntoView();
    return true;
  };
  addEventListener("hashchange", follow);
  if (!follow()) {
    state.scenario = Math.max(0, DATA.scenarios.reduce((best, one, place) => {
      const worst = Math.max(...[...one.v].map((found) => (found === "." ? -2 : rank(Number(found)))), -2);
      return worst > best[0] ? [worst, place] : best;
    }, [-2, 0])[1]);
    choosePair();
    drawAll();
  }
  drawTable();
}
