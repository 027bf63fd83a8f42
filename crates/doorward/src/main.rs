//! The binary: reads arguments and settings, starts what was asked for, and ends with a code of one
//! table. Wiring only; every command stands in a file of its own.

mod arguments;
mod cluster;
mod commands;
mod complaint;
mod control;
mod exit;
mod headings;
mod imported;
mod limits;
mod lock;
mod log;
mod open;
mod report;
mod serve;
mod settings;
mod sync;
mod tasks;
mod up;
mod upstream;

use arguments::{Command, ListenFlags, Parsed, Stop};
use doorward_world::World;
use exit::{Code, Exit};
use settings::Config;
use std::io::Write as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let code = match start() {
        Ok(code) => code,
        Err(exit) => {
            let _ = writeln!(std::io::stderr(), "{exit}");
            exit.code
        }
    };
    std::process::exit(i32::from(code.number()));
}

fn start() -> Result<Code, Exit> {
    // Fails only when a provider is installed already, and none is.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let parsed = match arguments::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(Stop::Exit(exit)) => return Err(exit),
        Err(Stop::Help(text)) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            return Ok(Code::Done);
        }
    };
    log::start(parsed.cli.common.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::new(Code::Broken, format!("threads cannot be started: {error}")))?;
    runtime.block_on(run(parsed))
}

async fn run(parsed: Parsed) -> Result<Code, Exit> {
    let Parsed { cli, protects } = parsed;
    let world = World::real();
    cluster::introduce();
    match cli.command {
        Command::Up(flags) => {
            let config = Config::load(&cli.common, &flags.listen)?;
            up::run(config, world, protects).await.map(|()| Code::Done)
        }
        Command::Serve(flags) => {
            let config = Config::load(&cli.common, &flags)?;
            serve::run(config, world).await.map(|()| Code::Done)
        }
        command => {
            let config = Config::load(&cli.common, &ListenFlags::from_environment()?)?;
            let report = commands::run(command, config, world).await?;
            report.print(cli.common.output)?;
            Ok(report.code)
        }
    }
}
