import ArgumentParser

/// `sluice session`: sessions of a running daemon.
struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session",
    abstract: "Add, show, watch and delete sessions of a running daemon.",
    discussion: """
      Talks to `sluice run` over its control socket: --socket, else $SLUICE_SOCKET, else \
      \(SocketProbe.defaultPath).

      Examples:
        sluice session add --id 7 --inlif 1 --outlif 2 --protocol tcp --source 10.0.0.1:40000 \
      --destination 10.0.0.2:443 --action forward
        sluice session add --file sessions.yaml --inlif 1 --outlif 2
        sluice session list --state closing
        sluice session watch --json | jq 'select(.event == "CLOSED")'
        sluice session delete 7
      """,
    subcommands: [
      SessionAdd.self, SessionGet.self, SessionDelete.self, SessionList.self, SessionClosed.self,
      SessionWatch.self, SessionShow.self,
    ])
}
