//! Tests sign-ins by a user at a terminal, who reads, types and cancels.
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{net::TcpStream, process::Command};

use url::Url;

use crate::{
    pseudo_terminal::PseudoTerminal,
    stage::{Stage, get, parameter, visit},
};

#[test]
fn a_password_is_asked_for_without_being_shown() {
    let stage = Stage::new();
    let mut terminal = PseudoTerminal::run(&stage.command("get-token --username alice"));
    terminal.see(&format!("Password of `alice` at {}: ", stage.issuer.url));
    assert!(!terminal.echoes());
    terminal.type_keys("hunter3\x7f2\r");
    let (code, stdout, terminal) = terminal.end();
    assert_eq!(code, Some(0), "{}", terminal.screen());
    assert!(stdout.contains("ExecCredential"), "{stdout}");
    assert!(!terminal.screen().contains("hunter"), "{}", terminal.screen());
    assert!(terminal.echoes());
}

#[test]
fn keys_that_would_stop_or_kill_it_leave_no_silent_terminal_and_no_password_in_the_shell() {
    let stage = Stage::new();
    for (line, prompt, keys) in [
        (
            "get-token --username alice --token-cache-storage none",
            "Password of",
            "hun\x1cter\x1a2\r",
        ),
        ("get-token --flow paste --token-cache-storage none", "Paste it here", "\x1c\x1a\x03"),
    ] {
        let mut terminal = PseudoTerminal::run(&stage.command(line));
        terminal.see(prompt);
        terminal.wait("hidden keys", |terminal| !terminal.echoes());
        terminal.type_keys(keys);
        let (code, _, terminal) = terminal.end();
        let expected = i32::from(keys.ends_with('\x03'));
        assert_eq!(code, Some(expected), "{}", terminal.screen());
        assert!(terminal.echoes(), "{line}");
        assert!(!terminal.screen().contains("hun"), "{}", terminal.screen());
    }
}

#[test]
fn an_interrupt_gives_the_terminal_back_as_it_was() {
    let stage = Stage::new();
    for (line, prompt) in [
        ("get-token --username alice", "Password of"),
        ("get-token --flow paste", "Paste it here and press Enter: "),
    ] {
        let mut terminal = PseudoTerminal::run(&stage.command(line));
        terminal.see(prompt);
        terminal.wait("hidden keys", |terminal| !terminal.echoes());
        terminal.type_keys("\x03");
        let (code, stdout, terminal) = terminal.end();
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{}", terminal.screen());
        assert!(terminal.echoes(), "{line}");
        assert!(
            terminal.screen().contains("error: cancelled before there was a token"),
            "{}",
            terminal.screen()
        );
    }
}

/// `program` as started by a shell after the command `before`.
fn after(before: &str, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]);
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

#[test]
fn an_interrupt_that_was_ignored_at_the_start_stays_ignored() {
    let stage = Stage::new();
    let program = stage.command("get-token --flow browser --skip-open-browser");
    let mut terminal = PseudoTerminal::run(&after("trap '' INT", &program));
    terminal.see("left; Ctrl-C cancels it");
    terminal.type_keys("\x03");
    terminal.see("^C");
    let screen = terminal.screen();
    let page = screen.lines().find_map(|line| line.strip_prefix("  ")).unwrap();
    assert_eq!(visit(&Url::parse(page.trim()).unwrap()).0, 200);
    let (code, stdout, terminal) = terminal.end();
    assert_eq!(code, Some(0), "{}", terminal.screen());
    assert!(stdout.contains("ExecCredential"), "{stdout}");
}

#[test]
#[cfg(target_os = "linux")]
fn no_core_dump_is_made_of_a_sign_in() {
    use std::os::unix::fs::MetadataExt as _;
    let stage = Stage::new();
    let program = stage.command("get-token --flow browser --skip-open-browser");
    let dumping = "ulimit -S -c \"$(ulimit -H -c)\"";
    let terminal = PseudoTerminal::run(&after(dumping, &program));
    terminal.see("left; Ctrl-C cancels it");
    let folder = std::path::PathBuf::from(format!("/proc/{}", terminal.id()));
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text("comm").trim(), "kubectl-login");
    let limits = text("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // proc(5): the files that expose the memory of such a process belong to root, whichever user
    // runs it.
    assert_eq!(std::fs::metadata(folder.join("environ")).unwrap().uid(), 0);
}

#[test]
fn the_answer_of_another_machines_browser_can_be_pasted() {
    let stage = Stage::new();
    for (words, redirect, is_bare) in [
        // Any free port.
        ("--flow paste", None, false),
        (
            "--grant-type authcode-keyboard --oidc-redirect-url urn:ietf:wg:oauth:2.0:oob",
            Some("urn:ietf:wg:oauth:2.0:oob"),
            true,
        ),
        ("--flow paste --listen-address 127.0.0.1:8000", Some("http://localhost:8000"), false),
    ] {
        let line = format!("get-token {words} --token-cache-storage none");
        let mut terminal = PseudoTerminal::run(&stage.command(&line));
        terminal.see("Paste it here and press Enter: ");
        let screen = terminal.screen();
        let page = screen.lines().find_map(|line| line.strip_prefix("  ")).unwrap();
        let page = Url::parse(page.trim()).unwrap();
        let named = parameter(&page, "redirect_uri").unwrap();
        if let Some(redirect) = redirect {
            assert_eq!(named, redirect);
        } else {
            let port = named.strip_prefix("http://127.0.0.1:").unwrap();
            assert_ne!(port.strip_suffix("/callback").unwrap().parse::<u16>().unwrap(), 0);
        }
        let back = get(&page).1.unwrap();
        if redirect.is_none() {
            let address = (back.host_str().unwrap(), back.port().unwrap());
            assert!(TcpStream::connect(address).is_err(), "nobody listens");
        }
        terminal.type_keys("http://localhost/?code=x&state=other\r");
        terminal.see("That is not the answer to this sign-in.");
        terminal
            .type_keys(if is_bare { "code\r".to_owned() } else { format!("{back}\r") }.as_str());
        let (code, stdout, terminal) = terminal.end();
        assert_eq!(code, Some(0), "{}", terminal.screen());
        assert!(stdout.contains("ExecCredential"), "{stdout}");
        assert!(terminal.echoes());
    }
    assert_eq!(stage.issuer.count("authorization_code"), 3);
}

#[test]
fn a_watched_wait_says_how_much_is_left_and_then_goes_away() {
    let stage = Stage::new();
    stage.issuer.script().pending = 1;
    let terminal = PseudoTerminal::run(&stage.command("get-token --flow device"));
    terminal.see("Waiting for the sign-in, 1:00 left; Ctrl-C cancels it");
    let (code, _, terminal) = terminal.end();
    assert_eq!(code, Some(0), "{}", terminal.screen());
    assert!(terminal.screen().ends_with("\r\x1b[K"), "{:?}", terminal.screen());
    assert_eq!(terminal.screen().matches("and enter the code").count(), 1);
}

#[test]
fn a_browser_that_may_be_elsewhere_is_a_reason_to_name_the_other_way() {
    let stage = Stage::new();
    let mut command = stage.command("get-token --flow browser --skip-open-browser");
    command.env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let terminal = PseudoTerminal::run(&command);
    terminal.see("press Ctrl-C and use `--flow paste` instead");
    terminal.see("left; Ctrl-C cancels it");
    let screen = terminal.screen();
    let page = screen.lines().find_map(|line| line.strip_prefix("  ")).unwrap();
    assert_eq!(visit(&Url::parse(page.trim()).unwrap()).0, 200);
    assert_eq!(terminal.end().0, Some(0));
}
