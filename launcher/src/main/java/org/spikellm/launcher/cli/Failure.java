package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.spikellm.launcher.registry.ProviderFailure;
import org.spikellm.launcher.registry.RegistryException;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What a user sees when it did not work: one line on standard error; after a wrong call also the way to the help. */
final class Failure {

  private static final int SUGGESTIONS = 3;

  private Failure() {}

  /** The call was wrong: status 2. */
  static int wrongCall(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    if (e instanceof MissingParameterException && !command.getUnmatchedArguments().isEmpty()) {
      // What is missing may well be what was misspelt.
      return wrongCall(new UnmatchedArgumentException(command, command.getUnmatchedArguments()), args);
    }
    List<String> similar = e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
    String suggestion = similar.isEmpty() ? ""
        : "; did you mean " + String.join(", ", similar.subList(0, Math.min(SUGGESTIONS, similar.size()))) + "?";
    return wrongCall(e.getMessage() + suggestion, command);
  }

  private static int wrongCall(String message, CommandLine command) {
    PrintWriter err = command.getErr();
    err.println("spikellm: " + oneLine(message));
    err.println("See '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return CommandLine.ExitCode.USAGE;
  }

  /** It could not be done: status 1; or the call was wrong, which is found out late: status 2. */
  static int report(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    return switch (e) {
      case ParameterException wrong -> wrongCall(wrong, new String[0]);
      case RegistryException unknown when unknown.isWrongCall() -> wrongCall(unknown.getMessage(), parsed.asCommandLineList().getLast());
      default -> report(e, command.getErr(), parsed.originalArgs().contains("--stacktrace"));
    };
  }

  /** As above, for what picocli lets through. */
  static int report(Throwable e, PrintWriter err, boolean trace) {
    if (e instanceof StandardOutput.Failure output && output.isUnread()) {
      return StandardOutput.NOBODY_READS;
    }
    err.println("spikellm: " + oneLine(message(e)));
    if (trace) {
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** What, where, expected, found, what to do. */
  private static String message(Throwable e) {
    return switch (e) {
      case UncheckedIOException said when !said.getCause().toString().equals(said.getMessage()) -> said.getMessage();
      case UncheckedIOException wrapped -> message(wrapped.getCause());
      case NoSuchFileException missing -> missing.getFile() + ": not found";
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case FileSystemException other when other.getReason() == null -> other.getFile() + ": " + other.getClass().getSimpleName();
      case ProviderFailure fault -> fault.getMessage();
      case IOException io when io.getMessage() != null -> io.getMessage();
      case IllegalArgumentException wrong when wrong.getMessage() != null -> wrong.getMessage();
      // A device is full, or gone: the backend says what to do.
      case OutOfMemoryError device when String.valueOf(device.getMessage()).contains("--backend") -> device.getMessage();
      case IllegalStateException device when String.valueOf(device.getMessage()).startsWith("backend '") -> device.getMessage();
      case OutOfMemoryError memory -> "out of memory: " + memory.getMessage()
          + "; ask for less (a smaller --sequence, fewer --samples) or give more (SPIKELLM_JAVA_OPTS='-Xmx… -XX:MaxDirectMemorySize=…')";
      // The JVM's answer to a fault in mapped memory.
      case InternalError fault when fault.getMessage() != null && fault.getMessage().contains("memory access") ->
          "a file became shorter while it was read, or its disk failed; copy it whole and run again";
      default -> "unexpected: " + e + "; run again with --stacktrace and report it";
    };
  }

  /** File and tensor names may hold line breaks and terminal codes. */
  private static String oneLine(String text) {
    return text.strip().replaceAll("\\R", " ").replaceAll("\\p{Cntrl}", "?");
  }
}
