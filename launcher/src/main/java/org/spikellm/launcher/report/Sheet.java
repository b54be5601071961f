package org.spikellm.launcher.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A page that needs nothing else: style and script are in it, and its policy keeps the browser from the network. */
final class Sheet {

  private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

  private Sheet() {}

  /**
   * The page.
   *
   * @param title in plain text
   * @param summary a sentence below it
   * @param program what made it
   * @param main writes the rest
   */
  static String of(String title, String summary, String program, Consumer<Markup> main) {
    Markup out = new Markup();
    out.raw("<!DOCTYPE html>\n");
    out.open("html", "lang", "en").open("head").line();
    out.empty("meta", "charset", "utf-8").line();
    out.empty("meta", "http-equiv", "Content-Security-Policy", "content", POLICY).line();
    out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1").line();
    out.element("title", title).line();
    out.open("style").raw(resource("report.css")).close().close().line();
    out.open("body").open("header").element("h1", title);
    out.element("p", summary).close().line();
    out.open("main").line();
    main.accept(out);
    out.close().element("footer", "Made by " + program + ".").line();
    out.open("script").raw(resource("report.js")).close();
    return out.close().close().toString() + "\n";
  }

  private static String resource(String name) {
    try (InputStream in = Sheet.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
