fn main() -> std::process::ExitCode {
    essaim::main(std::env::args_os())
}
