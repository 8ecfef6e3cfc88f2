// Causes by group or number, and what can be copied.
const showCauses = (words, wanted) => {
  let [shown, all] = [0, 0];
  each("#why article", (article) => {
    article.hidden = !wanted(article);
    all += 1;
    shown += !article.hidden;
  });
  const more = byId("more-causes");
  if (more) more.open = true;
  const chosen = byId("chosen");
  chosen.hidden = !words;
  chosen.firstElementChild.textContent = `${words}: ${shown} of ${all} causes`;
};
const chooseCauses = (event) => {
  const { hash, dataset: { show, findings } } = event.currentTarget;
  if (findings) showCauses("One answer", (article) => findings.split(" ").includes(article.id.slice(8)));
  else if (hash === "#pairs") fillTable({ verdict: DATA.groups[show] });
  else showCauses(DATA.groups[show], (article) => article.dataset.group === show);
};
const copyTo = async (said, words) => {
  try {
    await navigator.clipboard.writeText(words);
    said.textContent = "copied";
  } catch {
    said.textContent = words;
  }
};
// A link to something inside of what is folded opens it.
const unfold = () => {
  const target = location.hash.length > 1 && byId(location.hash.slice(1));
  if (!target) return;
  if (target.hidden) showCauses("", () => true);
  for (const outer of [target.closest("details"), target.querySelector(":scope > details")]) if (outer) outer.open = true;
  target.scrollIntoView();
};
