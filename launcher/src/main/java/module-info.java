/** The command line, and what finds providers and puts them together. */
module org.spikellm.launcher {
  requires org.spikellm.model;
  requires info.picocli;
}
