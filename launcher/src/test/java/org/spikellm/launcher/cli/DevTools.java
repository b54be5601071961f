package org.spikellm.launcher.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.spikellm.model.Json;

/**
 * A browser that is spoken to in the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/), through pipes: JSON
 * objects, each ended by a byte of zero.
 */
final class DevTools implements AutoCloseable {

  private static final int SECONDS = 120;

  /** What its end is taken for. */
  private static final Map<String, Object> END = Map.of();

  private final Process process;
  private final Path err;
  private final OutputStream commands;
  private final BlockingQueue<Map<String, Object>> messages = new LinkedBlockingQueue<>();
  private final List<Map<String, Object>> events = new ArrayList<>();
  private int calls;

  /** Starts it; the browser reads from its file 3 and writes to 4, which the shell makes of the pipes of its own. */
  DevTools(List<String> command, Path err) throws IOException {
    this.err = err;
    List<String> shell = List.of("/bin/sh", "-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh");
    process = new ProcessBuilder(Stream.of(shell, command, List.of("--remote-debugging-pipe")).flatMap(List::stream).toList())
        .redirectError(err.toFile()).start();
    commands = process.getOutputStream();
    Thread.ofPlatform().daemon().name("browser").start(this::listen);
  }

  private void listen() {
    try (InputStream in = process.getInputStream()) {
      ByteArrayOutputStream message = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        for (int i = 0; i < length; i++) {
          if (buffer[i] != 0) {
            message.write(buffer[i]);
          } else {
            messages.add(Json.parseObject(message.toByteArray(), "a browser's message"));
            message.reset();
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      messages.add(END);
    }
  }

  /**
   * Calls a method of the protocol.
   *
   * @param session that of a page; null for one of the browser
   * @return its result
   */
  Map<?, ?> call(String session, String method, Map<String, ?> parameters) throws IOException, InterruptedException {
    long id = ++calls;
    Map<String, Object> call = new LinkedHashMap<>(Map.of("id", id, "method", method, "params", parameters));
    if (session != null) {
      call.put("sessionId", session);
    }
    commands.write((Json.write(call) + "\0").getBytes(StandardCharsets.UTF_8));
    commands.flush();
    Map<String, Object> answer = next(method);
    while (!Long.valueOf(id).equals(answer.get("id"))) {
      events.add(answer);
      answer = next(method);
    }
    Assertions.assertNull(answer.get("error"), method);
    return (Map<?, ?>) answer.get("result");
  }

  /** Waits for such an event of a page, if it has not come yet. */
  void await(String session, String event, Predicate<Map<?, ?>> wanted) throws IOException, InterruptedException {
    while (events(session, event).noneMatch(wanted)) {
      events.add(next(event));
    }
  }

  /** The parameters of all such events of a page that have come. */
  Stream<Map<?, ?>> events(String session, String event) {
    return events.stream().filter(e -> session.equals(e.get("sessionId")) && event.equals(e.get("method")))
        .map(e -> (Map<?, ?>) e.get("params"));
  }

  private Map<String, Object> next(String what) throws IOException, InterruptedException {
    Map<String, Object> message = messages.poll(SECONDS, TimeUnit.SECONDS);
    if (message == null || message == END) {
      Assertions.fail(what + ": the browser " + (message == null ? "did not answer within " + SECONDS + " s: " : "ended: ")
          + Files.readString(err));
    }
    return message;
  }

  /** The end of the pipe is that of the browser. */
  @Override
  public void close() throws IOException {
    commands.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
    }
  }
}
