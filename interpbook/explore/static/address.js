// The state of a figure in the page's address, as "#figure-2?height=3&style=dashed": the second figure of the page, and
// the labels of its controls, without those that the reader has left. A link with such an address opens the page at that
// figure in that state. "#figure-2" alone leads to it as it is.

function frameAround(root) {
  return root.closest("figure[id]");
}

function ownAddress(root) {
  return "#" + frameAround(root).id + "?";
}

// Browsers count the changes of an address and refuse too many: only where a movement rests is written down.
function writeAddress(root, controls) {
  clearTimeout(root.writing);
  root.writing = setTimeout(function () {
    writeNow(root, controls);
  }, 200);
}

function writeNow(root, controls) {
  var state = new URLSearchParams();
  // In JupyterLab, or in a frame as in Colab, the address belongs to the application.
  if (!frameAround(root) || window.parent !== window || document.getElementById("jupyter-config-data")) {
    return;
  }
  controls.forEach(function (control) {
    if (!control.left()) {
      state.set(control.name, control.text());
    }
  });
  history.replaceState(history.state, "", ownAddress(root) + state);
}

// A figure as it was at first has no state in its address.
function clearAddress(root) {
  clearTimeout(root.writing);
  if (location.hash.indexOf("#figure-") === 0) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
}

// Calls `moved` after the controls were set from the address, now and whenever the address changes.
function followAddress(root, controls, moved) {
  function follow() {
    var own = ownAddress(root);
    var state = new URLSearchParams(location.hash.slice(own.length));
    if (location.hash.indexOf(own) !== 0) {
      return;
    }
    controls.forEach(function (control) {
      if (state.has(control.name)) {
        control.follow(state.get(control.name));
      }
    });
    moved();
    frameAround(root).scrollIntoView();
  }

  // A figure without a number has no address.
  if (!frameAround(root)) {
    return;
  }
  window.addEventListener("hashchange", follow);
  if (document.readyState === "complete") {
    follow();
  } else {
    window.addEventListener("load", follow);
  }
}
