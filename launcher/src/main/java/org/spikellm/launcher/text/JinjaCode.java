package org.spikellm.launcher.text;

import java.util.ArrayList;
import java.util.List;

/** Finds the code in a Jinja template: what stands in {@code {{ }}} and {@code {% %}}, with string literals left empty. */
final class JinjaCode {

  private JinjaCode() {}

  static List<String> in(String source) {
    List<String> found = new ArrayList<>();
    for (int at = source.indexOf('{'); at >= 0 && at + 1 < source.length(); at = source.indexOf('{', at)) {
      char kind = source.charAt(at + 1);
      at += 2;
      if (kind == '#') {
        int end = source.indexOf("#}", at);
        at = end < 0 ? source.length() : end + 2;
      } else if (kind == '{' || kind == '%') {
        StringBuilder code = new StringBuilder();
        at = read(source, at, kind == '{' ? "}}" : "%}", code);
        found.add(code.toString());
      } else {
        at--;
      }
    }
    return found;
  }

  /** Reads up to the end sign, which does not count inside a literal; returns where to go on. */
  private static int read(String source, int from, String end, StringBuilder code) {
    char quote = 0;
    for (int at = from; at < source.length(); at++) {
      char c = source.charAt(at);
      if (quote != 0) {
        if (c == '\\') {
          at++;
        } else if (c == quote) {
          code.append(c);
          quote = 0;
        }
      } else if (source.startsWith(end, at)) {
        return at + 2;
      } else {
        code.append(c);
        quote = c == '\'' || c == '"' ? c : 0;
      }
    }
    return source.length();
  }
}
