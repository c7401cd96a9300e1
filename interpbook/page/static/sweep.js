// Brings a figure of explore.sweep to life. The output around this script holds the data as JSON: the controls, one
// state for every combination of their values (the last control changes fastest), and the pictures. The first
// picture stands in <noscript>, so that it is stored once and seen where scripts are off.
(function (name) {
  "use strict";

  function firstPicture(noscript) {
    // With scripts on, the content of <noscript> is text.
    var parsed = new DOMParser().parseFromString(noscript.textContent, "text/html").querySelector("img");
    return parsed || noscript.querySelector("img");
  }

  function makeInput(control) {
    var input = document.createElement(control.kind === "range" ? "input" : "select");
    if (control.kind === "range") {
      input.type = "range";
      input.min = 0;
      input.max = control.labels.length - 1;
      input.step = 1;
    } else {
      control.labels.forEach(function (label, position) {
        input.add(new Option(label, position));
      });
    }
    input.value = 0;
    return input;
  }

  function makeLabel(control, input) {
    var label = document.createElement("label");
    label.append(control.title, input);
    if (control.kind === "range") {
      label.append(document.createElement("output"));
    }
    return label;
  }

  function bringToLife(root) {
    var data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    var still = firstPicture(root.querySelector("noscript"));
    var pictures = [still.getAttribute("src")].concat(data.pictures);
    var image = document.importNode(still, true);
    var bar = document.createElement("div");
    var state = document.createElement("p");
    bar.className = "ib-controls";
    state.className = "ib-state";
    state.setAttribute("aria-live", "polite");

    var inputs = data.controls.map(makeInput);
    data.controls.forEach(function (control, k) {
      bar.append(makeLabel(control, inputs[k]));
    });

    function draw() {
      var position = 0;
      data.controls.forEach(function (control, k) {
        var chosen = Number(inputs[k].value);
        position = position * control.labels.length + chosen;
        if (control.kind === "range") {
          inputs[k].setAttribute("aria-valuetext", control.labels[chosen]);
          inputs[k].nextElementSibling.textContent = control.labels[chosen];
        }
      });
      var now = data.states[position];
      image.src = pictures[now.picture];
      image.alt = now.alt;
      return now.alt;
    }

    bar.addEventListener("input", function () {
      state.textContent = draw();
    });
    draw();
    root.append(bar, image, state);
  }

  document.querySelectorAll("#" + name + ":not([data-alive])").forEach(function (root) {
    root.setAttribute("data-alive", "");
    bringToLife(root);
  });
})
