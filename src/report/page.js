"use strict";

// Shows the value of the point nearest to the pointer. Charts may come and change while the page is live.
const tip = document.getElementById("tip");
let near = null;
const leave = () => {
  near?.classList.remove("near");
  near = null;
  tip.hidden = true;
};
document.addEventListener("pointermove", (event) => {
  leave();
  const chart = event.target.closest?.(".chart svg");
  if (!chart) return;
  const points = [...chart.querySelectorAll(".point")];
  const places = points.map((point) => [Number(point.getAttribute("cx")), Number(point.getAttribute("cy"))]);
  const box = chart.getBoundingClientRect();
  const zoom = chart.viewBox.baseVal.width / box.width;
  const [x, y] = [(event.clientX - box.x) * zoom, (event.clientY - box.y) * zoom];
  // The distance along the axis counts first: curves are read from left to right.
  const distances = places.map(([cx, cy]) => 4 * (cx - x) ** 2 + (cy - y) ** 2);
  const nearest = distances.indexOf(Math.min(...distances));
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
document.documentElement.addEventListener("pointerleave", leave);

// What the controls show, which may come later on a live page.
const shows = {
  // Weights of 0 are grey, so the contrast of the style scales the weights.
  contrast({ value }) {
    document.getElementById("contrast-value").textContent = value;
    for (const image of document.querySelectorAll(".filters img")) image.style.filter = `contrast(${value})`;
  },
  order({ value }) {
    for (const picture of document.querySelectorAll(".filters")) picture.hidden = picture.dataset.order !== value;
  },
  epoch({ value }) {
    document.querySelectorAll(".samples").forEach((picture, at) => {
      picture.hidden = at !== Number(value);
      if (!picture.hidden) document.getElementById("epoch-value").textContent = picture.dataset.epoch;
    });
  },
};
document.addEventListener("input", ({ target }) => shows[target.id]?.(target));
