package org.spikellm.launcher.text;

/**
 * A token that is found in the text before anything else is split.
 *
 * @param special it steers (end of text, a turn's start) and is not shown when text is decoded
 */
record AddedToken(int id, String text, boolean special) {
}
