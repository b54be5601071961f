package org.spikellm.launcher.report;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/** HTML that is also well-formed XML, written element by element; text and attribute values are escaped here and nowhere else. */
final class Markup {

  /** The void elements of HTML that are used here. */
  private static final Set<String> EMPTY = Set.of("meta");

  private final StringBuilder page = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /** Begins an element; attributes are pairs of name and value. */
  Markup open(String name, String... attributes) {
    tag(name, attributes).append('>');
    open.push(name);
    return this;
  }

  /** Ends the element that was begun last. */
  Markup close() {
    page.append("</").append(open.pop()).append('>');
    return this;
  }

  /** An element that holds text. */
  Markup element(String name, String text, String... attributes) {
    return open(name, attributes).text(text).close();
  }

  /** An element that has no content. Any other would be left open by HTML, to which {@code <i/>} is {@code <i>}. */
  Markup empty(String name, String... attributes) {
    if (!EMPTY.contains(name)) {
      throw new IllegalArgumentException(name + ": expected one of " + EMPTY);
    }
    tag(name, attributes).append("/>");
    return this;
  }

  Markup text(String text) {
    page.append(escape(text));
    return this;
  }

  /** What is markup already. */
  Markup raw(String markup) {
    page.append(markup);
    return this;
  }

  /** A line break of the source, for whoever reads it. */
  Markup line() {
    page.append('\n');
    return this;
  }

  private StringBuilder tag(String name, String... attributes) {
    page.append('<').append(name);
    for (int i = 0; i < attributes.length; i += 2) {
      page.append(' ').append(attributes[i]).append("=\"").append(escape(attributes[i + 1])).append('"');
    }
    return page;
  }

  /** Whether this has been written. */
  boolean contains(String markup) {
    return page.indexOf(markup) >= 0;
  }

  static String escape(String text) {
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  /** Text as XML takes it: what neither XML nor HTML may hold (control characters, lone surrogates) becomes U+FFFD. */
  static String printable(String text) {
    return text.codePoints().map(c -> allowed(c) ? c : 0xFFFD)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
  }

  private static boolean allowed(int c) {
    return c == '\t' || c == '\n' || c >= ' ' && c < 0x7F || c > 0x9F && c < 0xD800 || c >= 0xE000 && (c & 0xFFFE) != 0xFFFE
        && !(c >= 0xFDD0 && c <= 0xFDEF);
  }

  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("not closed: " + open);
    }
    return page.toString();
  }
}
