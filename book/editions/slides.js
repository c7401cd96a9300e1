// Starts a deck: formulas first, then the slides, each fitted into its room when it is shown.

(function () {
  "use strict";

  var SMALLEST = 0.6;
  var STEP = 0.04;
  var LARGEST = { figure: 1.5, output: 1.4 };
  var USES_ARROWS = "input, select, textarea, [contenteditable], [role='slider'], [role='radio'], [role='option']";
  var byMouse = false;
  var PRESSED = "button, summary, a[href], [role='button']";

  // Half a pixel too much, which scrollHeight rounds away, would already cut off a frame's edge.
  function isOver(room) {
    var high = room.firstElementChild.getBoundingClientRect().height > room.getBoundingClientRect().height;
    return high || room.scrollHeight > room.clientHeight || room.scrollWidth > room.clientWidth;
  }

  // The largest size with which the content fits. A figure lays itself out anew in each, so that all are tried.
  function fit(slide) {
    var room = slide && slide.querySelector(".room");
    var content = room && room.querySelector(".fit");
    if (!content || !room.clientHeight) {
      return;
    }
    var kinds = Object.keys(LARGEST).filter(function (kind) {
      return slide.classList.contains(kind);
    });
    var size = LARGEST[kinds[0]] || 1.2;
    content.style.zoom = size;
    while (size > SMALLEST && isOver(room)) {
      size -= STEP;
      content.style.zoom = size;
    }
    // What does not fit even then can be scrolled, also with the keyboard.
    var over = isOver(room);
    room.classList.toggle("scrolls", over);
    room.tabIndex = over ? 0 : -1;
  }

  // What grows while it is used, a sentence below a figure or the answer to a question, is fitted again.
  var grown = new ResizeObserver(function (entries) {
    entries.forEach(function (entry) {
      if (isOver(entry.target.parentNode)) {
        fit(entry.target.closest("section"));
      }
    });
  });

  function show(event) {
    fit(event.currentSlide);
    grown.disconnect();
    grown.observe(event.currentSlide.querySelector(".fit"));
  }

  // Keys belong to the control that has the focus and does something with them.
  function isForSlides(event) {
    var target = event.target;
    if (event.defaultPrevented || target.closest(USES_ARROWS) || target.closest(".scrolls")) {
      return false;
    }
    return !(target.closest(PRESSED) && (event.key === " " || event.key === "Enter"));
  }

  function paint(theme) {
    document.documentElement.dataset.theme = theme;
  }

  function turn() {
    paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  }

  // Gives the keys back to the slides. Says whether something on a slide had them.
  function leave() {
    var active = document.activeElement;
    var had = Boolean(active && active.closest(".fit"));
    if (had) {
      active.blur();
    }
    return had;
  }

  // The keys of a clicker, PageUp and PageDown, move the slides whatever has the focus; Escape leaves a control.
  function take(event) {
    byMouse = false;
    var way = { PageDown: "next", PageUp: "prev" }[event.key];
    if (way) {
      leave();
      window.Reveal[way]();
    }
    if (way || (event.key === "Escape" && leave())) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  // What was used by mouse does not keep the keys: a list once it is chosen from, anything else when it is let go.
  function release(event) {
    if (byMouse && (event.type === "change" || !event.target.closest("select"))) {
      leave();
    }
  }

  function start() {
    var Reveal = window.Reveal;
    var T = 84;
    Reveal.on("ready", show);
    Reveal.on("slidechanged", show);
    Reveal.on("pdf-ready", function () {
      document.querySelectorAll(".slides section section").forEach(fit);
    });
    return Reveal.initialize({
      width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false, hash: true,
      navigationMode: "linear", slideNumber: "c/t", transition: "none", backgroundTransition: "none",
      keyboardCondition: isForSlides, scrollActivationWidth: null, pdfSeparateFragments: false,
      plugins: [window.RevealNotes]
    }).then(function () {
      Reveal.addKeyBinding({ keyCode: T, key: "T", description: "Light or dark" }, turn);
    });
  }

  paint(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.addEventListener("keydown", take, true);
  document.addEventListener("pointerdown", function () {
    byMouse = true;
  }, true);
  document.addEventListener("pointerup", release);
  document.addEventListener("change", release);
  window.MathJax.startup.promise.then(function () {
    return document.fonts.ready;
  }).then(start);
})();
