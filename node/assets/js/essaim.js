// What the page does better with JavaScript. Everything works without: each line here only saves a click.
"use strict";
