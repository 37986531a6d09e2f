// Keeps a live page up to date in place. The server tells of new versions; the page is then fetched, and
// only what differs is changed, so that the reader's place, selection and choices stay.

/** What names an element among its siblings. */
const nameOf = (node) =>
  node.id || node.dataset?.epoch || node.dataset?.order || node.dataset?.name || "";

const isAlike = (old, fresh) => old.nodeName === fresh.nodeName && nameOf(old) === nameOf(fresh);

/** Makes `old` equal to `fresh`, and touches only what differs. */
function morph(old, fresh) {
  if (old.id === "live" || old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  // Whether details are open is up to the reader.
  const isOurs = ({ name }) => name !== "open";
  for (const { name } of [...old.attributes].filter(isOurs))
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes].filter(isOurs))
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function morphChildren(old, fresh) {
  const named = new Map([...old.children].filter(nameOf).map((child) => [nameOf(child), child]));
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const own = nameOf(node) ? named.get(nameOf(node)) : at;
    if (!own || !isAlike(own, node)) {
      old.insertBefore(node, at);
      continue;
    }
    if (own === at) at = at.nextSibling;
    else old.insertBefore(own, at);
    morph(own, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** The newest page takes the place of this one. The controls then show again what the reader chose. */
function take(fresh) {
  const epoch = document.getElementById("epoch");
  const isAtNewest = epoch && epoch.value === epoch.max;
  for (const part of ["header", "main"])
    morph(document.querySelector(`body > ${part}`), fresh.querySelector(`body > ${part}`));
  document.body.dataset.version = fresh.body.dataset.version;
  if (isAtNewest) epoch.value = epoch.max;
  const log = document.getElementById("log-epochs");
  if (log) log.checked = document.body.classList.contains("log-epochs");
  for (const control of document.querySelectorAll(".controls input, .controls select"))
    control.dispatchEvent(new Event("input", { bubbles: true }));
}

const say = (text) => {
  const live = document.getElementById("live");
  if (live.textContent !== text) live.textContent = text;
};

/** Fetches the page, one request at a time. */
let fetching = Promise.resolve();
function refresh() {
  fetching = fetching.then(async () => {
    const answer = await fetch("/", { cache: "no-store" });
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  });
  // The next event brings what this request could not.
  fetching = fetching.catch(() => {});
  return fetching;
}

const LOST = "connection lost, trying again";
const LATER = 5000;

/** Asks for the version now and then: the server has no place for another subscriber. */
async function ask() {
  try {
    const version = (await (await fetch("/version", { cache: "no-store" })).text()).trim();
    if (version !== document.body.dataset.version) await refresh();
    say("live");
  } catch {
    say(LOST);
  }
  setTimeout(ask, LATER);
}

const events = new EventSource("/events");
events.addEventListener("open", () => say("live"));
events.addEventListener("version", ({ data }) => data !== document.body.dataset.version && refresh());
events.addEventListener("end", async ({ data }) => {
  events.close();
  say(`the run has ended: ${data}`);
  await refresh();
});
events.addEventListener("error", () => {
  // A browser tries again by itself, unless the server refused.
  if (events.readyState === EventSource.CLOSED) setTimeout(ask, LATER);
  else say(LOST);
});
