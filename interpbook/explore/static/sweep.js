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
  var resting = null;
  state.setAttribute("aria-live", "polite");

  // The state at the positions of the controls, that of control `k` being another one where it is given.
  function stateAt(k, other) {
    return data.states[controls.reduce(function (before, control, j) {
      return before * control.labels.length + (j === k ? other : control.position());
    }, 0)];
  }

  function draw() {
    var now = stateAt();
    image.src = pictures[now.picture];
    image.alt = now.alt;
    controls.forEach(function (control, k) {
      control.idle(control.labels.every(function (_, other) {
        return stateAt(k, other).picture === now.picture;
      }));
    });
  }

  // A screen reader hears where a play ends, whose steps are half a second apart, and not each of them.
  function moved() {
    draw();
    writeAddress(root, controls);
    clearTimeout(resting);
    resting = setTimeout(speak, 700);
  }

  function speak() {
    clearTimeout(resting);
    state.textContent = image.alt;
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
    speak();
  });
  draw();
  root.append(bar, image, state);
  followAddress(root, controls, draw);
}
