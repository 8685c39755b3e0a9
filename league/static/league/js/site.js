// @ts-check
/** What every page needs: live regions, times in the visitor's zone, copy buttons, the theme. */

import { startCopying } from "./copy.js";
import { startLive } from "./live.js";
import { startTheme } from "./themes.js";
import { startTimes } from "./times.js";

startLive();
startTimes();
startCopying();
startTheme();
