"use strict";

// The value of the point that is nearest to the pointer.
const tip = document.getElementById("tip");
for (const chart of document.querySelectorAll(".chart svg")) {
  const points = [...chart.querySelectorAll(".point")];
  let near = null;
  const leave = () => {
    if (near) near.classList.remove("near");
    near = null;
    tip.hidden = true;
  };
  chart.addEventListener("pointermove", (event) => {
    const distance = (point) => {
      const box = point.getBoundingClientRect();
      const dx = box.x + box.width / 2 - event.clientX;
      const dy = box.y + box.height / 2 - event.clientY;
      // Along the axis first: one reads a curve from left to right.
      return dx * dx * 4 + dy * dy;
    };
    leave();
    for (const point of points) if (!near || distance(point) < distance(near)) near = point;
    if (!near) return;
    near.classList.add("near");
    // Curves may meet there.
    const at = (point, name) => Number(point.getAttribute(name));
    const isThere = (point) =>
      at(point, "cx") === at(near, "cx") && Math.abs(at(point, "cy") - at(near, "cy")) < 6;
    tip.textContent = points.filter(isThere).map((point) => point.dataset.text).join("\n");
    tip.hidden = false;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    const top = event.clientY - tip.offsetHeight - 10;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${top < 0 ? event.clientY + 16 : top}px`;
  });
  chart.addEventListener("pointerleave", leave);
}

// Weights are grey around 0, so that the style's contrast is that of the weights.
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

// A live page looks for news every second, and says so when there will be none any more.
if (document.body.hasAttribute("data-live")) {
  const live = document.getElementById("live");
  let version = null;
  const look = async () => {
    try {
      const now = await (await fetch("/version", { cache: "no-store" })).text();
      if (version !== null && now !== version) return location.reload();
      version = now;
      setTimeout(look, 1000);
    } catch {
      live.textContent = "The run is over; report.html in its folder has the rest.";
    }
  };
  look();
}
