// Brings a figure of explore.sweep to life. Its data: the controls, one state for every combination of their values
// (the last control changes fastest), and the pictures. The first picture stands in <noscript>, so that it is stored
// once and seen where scripts are off.

function firstPicture(noscript) {
  // With scripts on, the content of <noscript> is text.
  var parsed = new DOMParser().parseFromString(noscript.textContent, "text/html").querySelector("img");
  return parsed || noscript.querySelector("img");
}

function bringToLife(root, data) {
  var still = firstPicture(root.querySelector("noscript"));
  var pictures = [still.getAttribute("src")].concat(data.pictures);
  var image = document.importNode(still, true);
  var bar = element("div", "ib-controls");
  var state = element("p", "ib-hidden");
  var controls = data.controls.map(makeControl);
  state.setAttribute("aria-live", "polite");

  function draw() {
    var position = controls.reduce(function (before, control) {
      return before * control.labels.length + control.position();
    }, 0);
    image.src = pictures[data.states[position].picture];
    image.alt = data.states[position].alt;
  }

  function moved() {
    draw();
    writeAddress(root, controls);
  }

  controls.forEach(function (control, k) {
    var group = element("span", "ib-control");
    group.append(control.box);
    if (data.controls[k].kind === "range") {
      group.append(makePlay(control, data.controls[k].title, moved));
    }
    bar.append(group);
  });
  bar.addEventListener("input", function () {
    moved();
    state.textContent = image.alt;
  });
  draw();
  root.append(bar, image, state);
  followAddress(root, controls, draw);
}
