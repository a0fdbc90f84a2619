#!/usr/bin/perl

# What sled is told, by file, by environment and by flags, and what it says
# of itself: --help and the manual page know the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Uplink::Daemon;

my $sled = Uplink::Daemon->new;
my $dir = $sled->dir;

sub put {
    my ($name, $text, $mode) = @_;

    open my $file, '>', "$dir/$name" or die "$name: $!";
    print $file $text;
    close $file;
    chmod $mode // 0600, "$dir/$name";

    return "$dir/$name";
}

# ---- help

my ($code, undef, $help) = $sled->command('--help');
is($code, 0, '--help');

my ($none, undef, $out, $err) = $sled->command;
is("$none $out", '2 ', 'no command is an error');
is($err, $help, 'with the same words');

is(($sled->command('--version'))[0], 0, '--version');
($code, undef, undef, $err) = $sled->command('fly');
is($code, 2, 'an unknown command');
like($err, qr/\Asled: unknown command "fly"\n/, 'is named');

my $manual = $sled->slurp("$FindBin::Bin/../docs/sled.1") =~ s/\\-/-/gr;

my %options = map { $_ => 1 } $help =~ /^  --([a-z-]+)/mg;
my ($section) = $manual =~ /^\.SH OPTIONS\n(.*?)^\.SH/ms;
my %described = map { $_ => 1 } $section =~ /--([a-z-]+)/g;
is_deeply(\%described, \%options, 'the manual page has the same options');

my @commands = $help =~ /^  ([a-z]+) +[a-z]/mg;
cmp_ok(scalar @commands, '>=', 10, 'commands');
like($manual, qr/\bsled $_\b/, "the manual page has $_") for @commands;

# ---- the flag is stronger than the environment, that than the file

sub told {
    my ($env, @flags) = @_;

    my $run = $sled->start({ env => $env }, 'run', '--log-format', 'text',
        @flags);
    my %said;

    $sled->wait_for(sub {
        ($said{id}) = $run->err =~ /started: sled \S+ (\S+)$/m;
        ($said{gateway}) = $run->err =~ /dialing: (\S+)$/m;
        return $run->ended || $said{id} && $said{gateway};
    });

    kill TERM => $run->pid unless $run->ended;
    is($run->wait, 0, 'it runs') or diag($run->err);

    return join ' ', map { $_ // 'nothing' } @said{qw(id gateway)};
}

my $file = put('sled.conf', "# a comment\n\n  id   file \n"
    . "gateway ws://127.0.0.1:1/file\nstate $dir/other\n");

is(told({}, '--config', $file), 'file ws://127.0.0.1:1/file', 'a file');
is(told({ SLED_CONFIG => $file }), 'file ws://127.0.0.1:1/file',
    'a file that the environment names');

mkdir "$dir/.config";
mkdir "$dir/.config/sled";
rename $file, "$dir/.config/sled/sled.conf";
is(told({}), 'file ws://127.0.0.1:1/file', 'the usual file');

my %env = (SLED_ID => 'environment',
    SLED_GATEWAY => "ws://127.0.0.1:1/environment\nws://127.0.0.1:1/b");
is(told(\%env), 'environment ws://127.0.0.1:1/environment',
    'the environment is stronger');
is(told(\%env, '--id', 'flag', '--gateway', 'ws://127.0.0.1:1/flag'),
    'flag ws://127.0.0.1:1/flag', 'a flag is stronger still');
is(told(\%env, '--id', 'flag'), 'flag ws://127.0.0.1:1/environment',
    'each option for itself');

unlink "$dir/.config/sled/sled.conf";

# ---- what is wrong is said, and nothing is started

sub wrong {
    my ($re, $name, @arg) = @_;

    my %option = ref $arg[0] ? %{shift @arg} : ();
    my $run = $sled->start(\%option, 'run', '--id', 'x', '--gateway',
        'ws://127.0.0.1:1/', @arg);

    is($run->wait, 2, $name);
    like($run->err, $re, 'says why');
    return;
}

my $bad = qr/^sled: invalid value "[^"]*" of "%s"$/m;

sub of { my ($name) = @_; return qr/${\ ($bad =~ s{%s}{$name}r)}/m }

wrong(of('idle-timeout'), 'a time without a unit', '--idle-timeout', '5x');
wrong(of('idle-timeout'), 'a negative time', '--idle-timeout', '-5s');
wrong(of('grace'), 'a time that is too long', '--grace', '2h');
wrong(of('scrollback'), 'too few bytes', '--scrollback', '100');
wrong(of('max-sessions'), 'no number', '--max-sessions', 'many');
wrong(of('workspace'), 'an empty text', '--workspace', '');
wrong(of('task'), 'a task without a folder', '--task', 'issue=i');
wrong(of('task'), 'a task in a relative folder', '--task', 'issue=i,dir=x');
wrong(of('task'), 'an unknown member', '--task', 'issue=i,dir=/,color=x');
wrong(of('task'), 'a member twice', '--task', 'issue=i,dir=/,dir=/');
wrong(qr/"root" must be an absolute path/, 'a relative root', '--root', 'x');
wrong(qr/invalid "log-format"/, 'a format', '--log-format', 'xml');
wrong(qr/invalid URL "http:/, 'a URL', '--gateway', 'http://127.0.0.1/');
wrong(qr/unexpected argument "more"/, 'more', 'more');
wrong(qr{/none: No such file}, 'a file that is not there', '--config',
    "$dir/none");
wrong(qr/unknown option "colour"\nsled: in .*conf:2$/m, 'an unknown option',
    '--config', put('bad.conf', "\ncolour red\n"));
wrong(of('grace'), 'the environment', { env => { SLED_GRACE => 'x' } });

($code, undef, undef, $err) = $sled->command('run', '--id', 'x');
is("$code $err", qq{2 sled: no "gateway" is given, see sled --help\n},
    'no gateway');
($code, undef, undef, $err) = $sled->command('run', '--gateway',
    'ws://127.0.0.1:1/');
is("$code $err", qq{2 sled: no "id" is given, see sled --help\n}, 'no name');

# ---- secrets stand in files or in the environment

wrong(qr/\Asled: unknown option "--token"\n\z/, 'a token as a flag',
    '--token', 'secret');
wrong(qr/\Asled: unknown option "--token"\n\z/, 'or so', '--token=secret');
wrong(qr/unknown option "token"/, 'a token among the options', '--config',
    put('token.conf', "token x\n"));
wrong(qr/holds no token/, 'an empty file', '--token-file', put('empty', "\n"));
wrong(qr/holds no token/, 'a token that would end its header', '--token-file',
    put('split', "a b\n"));
wrong(qr{/none: No such file}, 'no file', '--token-file', "$dir/none");

my $run = $sled->start('run', '--id', 'x', '--gateway', 'ws://127.0.0.1:1/',
    '--token-file', put('open', "secret\n", 0644));
ok($sled->wait_for(sub { $run->err =~ /\[warn\] token: others may read/ }),
    'a file that others may read is a warning');
kill TERM => $run->pid;
$run->wait;
unlike($run->err, qr/secret/, 'and its words are in no log');

done_testing;
