"use strict";

// Shows the value of the point nearest to the pointer.
const tip = document.getElementById("tip");
for (const chart of document.querySelectorAll(".chart svg")) {
  const points = [...chart.querySelectorAll(".point")];
  let near = null;
  const leave = () => {
    if (near) near.classList.remove("near");
    near = null;
    tip.hidden = true;
  };
  const places = points.map((point) => [Number(point.getAttribute("cx")), Number(point.getAttribute("cy"))]);
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const zoom = chart.viewBox.baseVal.width / box.width;
    const [x, y] = [(event.clientX - box.x) * zoom, (event.clientY - box.y) * zoom];
    // The distance along the axis counts first: curves are read from left to right.
    const distances = places.map(([cx, cy]) => 4 * (cx - x) ** 2 + (cy - y) ** 2);
    const nearest = distances.indexOf(Math.min(...distances));
    leave();
    if (nearest < 0) return;
    near = points[nearest];
    near.classList.add("near");
    // Several curves may have a point there.
    const [cx, cy] = places[nearest];
    const isThere = (_, at) => places[at][0] === cx && Math.abs(places[at][1] - cy) < 6;
    const texts = points.filter(isThere).map((point) => point.dataset.text);
    tip.textContent = texts.slice(0, 6).join("\n");
    tip.hidden = false;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    const top = event.clientY - tip.offsetHeight - 10;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${top < 0 ? event.clientY + 16 : top}px`;
  });
  chart.addEventListener("pointerleave", leave);
}

// Weights of 0 are grey, so the contrast of the style scales the weights.
const contrast = document.getElementById("contrast");
contrast?.addEventListener("input", () => {
  document.getElementById("contrast-value").textContent = contrast.value;
  for (const image of document.querySelectorAll(".filters img"))
    image.style.filter = `contrast(${contrast.value})`;
});

const order = document.getElementById("order");
order?.addEventListener("input", () => {
  for (const picture of document.querySelectorAll(".filters"))
    picture.hidden = picture.dataset.order !== order.value;
});

const epoch = document.getElementById("epoch");
epoch?.addEventListener("input", () => {
  document.querySelectorAll(".samples").forEach((picture, at) => {
    picture.hidden = at !== Number(epoch.value);
    if (!picture.hidden) document.getElementById("epoch-value").textContent = picture.dataset.epoch;
  });
});

// A live page asks for a new version every second, and says when the run is over. Controls keep their
// values when the page is loaded again.
if (document.body.dataset.version) {
  const live = document.getElementById("live");
  const version = document.body.dataset.version;
  for (const control of [contrast, order]) {
    if (!control) continue;
    const before = sessionStorage.getItem(control.id);
    if (before !== null) {
      control.value = before;
      control.dispatchEvent(new Event("input"));
    }
    control.addEventListener("input", () => sessionStorage.setItem(control.id, control.value));
  }
  let failures = 0;
  const look = async () => {
    try {
      const now = await (await fetch("/version", { cache: "no-store" })).text();
      failures = 0;
      if (now.trim() !== version) return location.reload();
    } catch {
      failures += 1;
    }
    if (failures < 3) setTimeout(look, 1000);
    else live.textContent = "This session of the run is over; `harmonium report` shows its results.";
  };
  setTimeout(look, 1000);
}
