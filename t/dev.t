#!/usr/bin/perl

# ./dev itself, in a copy of the tree: help, build, what a change of one file
# costs, where what is built lies, clean.
#
# not with sanitizers: nginx is not started with the module of this build

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(stat);
use Uplink::Test;

my $root = $Uplink::Test::root;
my $copy = tempdir('uplink-dev-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $tree = "$copy/tree";
my $build = "$copy/out";

delete @ENV{qw(CC SAN NGINX_SOURCE)};

system('mkdir', $tree) == 0
    && system("cd $root && git ls-files -z --cached --others"
        . " --exclude-standard | xargs -0 cp --parents -t $tree") == 0
    or die 'copy';

sub dev {
    my ($args, %env) = @_;

    local @ENV{'BUILD', keys %env} = ($build, values %env);
    my $output = `cd $tree && ./dev $args 2>&1`;

    return ($? >> 8, $output);
}

sub objects {
    return map { $_ => (stat $_)[9] } glob "$build/objs/addon/*/*.o";
}

# the objects that are newer than they were

sub rebuilt {
    my ($before, $after) = @_;

    return join ' ', map { m{([^/]+)\.o$} } sort
        grep { ($before->{$_} // 0) != $after->{$_} } keys %$after;
}

sub append {
    my ($name, $text) = @_;

    open my $file, '>>', "$tree/$name" or die "$name: $!";
    print $file $text;
    close $file;
}

# ---- help

my ($code, $output) = dev('help');
is($code, 0, 'help');
like($output, qr/^  \Q$_\E\b/m, "help has $_")
    for qw(run build deb test lint bench clean help);

($code, $output) = dev('no-such-command');
isnt($code, 0, 'an unknown command');
is($output, qq{./dev: unknown command "no-such-command", see ./dev help\n},
    'one line says so');

# ---- build

my $files = `cd $tree && find . | sort`;

($code, $output) = dev('build');
is($code, 0, 'build') or diag $output;
ok(-s "$build/ngx_uplink_module.so", 'leaves the module');
like($output, qr/^\.\/dev: built \S+\n\z/, 'says one line');

my %first = objects();
cmp_ok(scalar keys %first, '>', 10, 'objects are where they are expected');

($code, $output) = dev('build');
is($code, 0, 'build again') or diag $output;

my %second = objects();
is(rebuilt(\%first, \%second), '', 'nothing is compiled again');

append('src/ws/frame.c', "\n");
($code, $output) = dev('build');
is($code, 0, 'build after a change') or diag $output;

my %third = objects();
is(rebuilt(\%second, \%third), 'frame', 'only the changed file is compiled');

append('src/ws/utf8.h', "\n");
($code, $output) = dev('build');
is($code, 0, 'build after a change of a header') or diag $output;

my %fourth = objects();
my @expected = sort map { m{([^/]+)\.c$} }
    split /\n/, `cd $tree && grep -lE '^#include "(ws/)?utf8.h"' src/*/*.c`;
my %rebuilt = map { $_ => 1 } split / /, rebuilt(\%third, \%fourth);
ok(@expected && !(grep { !$rebuilt{$_} } @expected),
    'who includes a changed header is compiled');
ok(!$rebuilt{scan}, 'and nobody else');

append('src/ws/frame.c', "#error broken\n");
($code, $output) = dev('build');
isnt($code, 0, 'a broken file fails the build');
like($output, qr/^\.\/dev: the build failed$/m, 'and the last line says so');

is(`cd $tree && find . | sort`, $files, 'nothing is left in the tree');

# ---- run: the lines it prints are pasted, as they stand, into a shell

system("cd $root && cp --parents src/ws/frame.c src/ws/utf8.h $tree") == 0
    or die 'copy';

my $t = Uplink::Test->new;
my $port = $t->port;

my $run = fork // die "fork: $!";

END { local $?; kill 'TERM', $run if $run }

# a process group of its own, as a shell gives to what Ctrl-C is for

if ($run == 0) {
    POSIX::setpgid(0, 0);
    $SIG{INT} = 'DEFAULT';
    open STDOUT, '>', "$copy/run.out";
    open STDERR, '>&', \*STDOUT;
    @ENV{qw(BUILD PORT)} = ($build, $port);
    { exec "$tree/dev", 'run' };
    POSIX::_exit(127);
}

ok($t->wait_for(sub {
    $output = $t->read_file("$copy/run.out");
    return waitpid($run, WNOHANG) || $output =~ /Nobody is asked.*\n\n\z/;
}, 60), 'run is ready') or diag $output;

like($output, qr{^  A gateway is listening on http://127\.0\.0\.1:$port/}m,
    'and says where');

is($t->http(GET => '/console/')->header('content-type'),
    'text/html; charset=utf-8', 'there is a console')
    if like($output, qr{^  Its console .* http://127\.0\.0\.1:$port/console/$}m,
        'which has an address');

my ($ask, $look, $id, $decide, $status, $attach)
    = map { s/^    //gmr } $output =~ /^(    \S.*?\n)\n/gms;

like($attach // '', qr/sled attach/, 'six things to try');

# between question and decision the reader takes a while

my $pasted = `cd $copy && { $ask
    for i in 1 2 3 4 5 6 7 8 9 10; do
        case \$($look) in *any-perm-*) break;; esac
        sleep 0.1
    done
    $id
    $decide
    wait; }`;

like($pasted, qr/"approved":true,"always_allow":false,"reason":"operator"\}$/m,
    'the question is answered');

my $seen = `$status`;
like($seen, qr/^\{"status":"ok",/, 'the status is ok');
like($seen, qr/"requests_approved":1\b/, 'and counts the decision');

# what is typed into the shell that is opened

my $shown = `printf 'echo he""re; pwd; exit 7\\n' | { $attach } 2>&1`;
is($? >> 8, 7, 'a shell is opened, and its exit code is passed on');
like($shown, qr/here\r\n/, 'it does what it is told');
like($shown, qr/\Q$build\E\/run\/work\r\n/, 'where the task of the sled is');
unlike($shown, qr/error/, 'and nothing is wrong');

is($t->http(GET => '/status', headers => [Host => 'evil.example'])->status,
    421, 'whoever has a name resolved to 127.0.0.1 is not let in');

($code, $output) = dev('run', PORT => $port);
isnt($code, 0, 'run on a port that is taken');
like($output, qr/^\.\/dev: 127\.0\.0\.1:$port is taken; .*\n\z/m,
    'one line says so');

my $members = sub { grep { (getpgrp($_) // 0) == $run }
    map { m{/(\d+)$} } glob '/proc/[0-9]*' };

cmp_ok(scalar $members->(), '>=', 5, 'nginx, its workers and the sled run');
kill 'INT', -$run;
ok($t->wait_for(sub { waitpid($run, WNOHANG) == $run }, 10), 'Ctrl-C ends it');
is($?, 0, 'as it should');
is(scalar $members->(), 0, 'and nobody is left');
unlike($t->read_file("$copy/run.out"), qr/\[(?:alert|emerg)\]|Terminated/,
    'nor complains');
$run = undef;

# ---- places nginx's build cannot cope with, and what is not ours

($code, $output) = dev('build', BUILD => "$copy/a b");
isnt($code, 0, 'a folder with a space');
like($output, qr/^\.\/dev: nginx's makefiles cannot cope with .*\n\z/,
    'one line says so');

($code, $output) = dev('clean', BUILD => $tree);
isnt($code, 0, 'clean of the tree itself');
like($output, qr/^\.\/dev: BUILD must not be the source tree.*\n\z/,
    'one line says so');

mkdir "$copy/other" or die "mkdir: $!";
($code, $output) = dev('clean', BUILD => "$copy/other");
isnt($code, 0, 'clean of a folder that is not ours');
ok(-d "$copy/other", 'leaves it alone');

($code, $output) = dev('clean');
is($code, 0, 'clean');
ok(!-e $build, 'removes the folder');

done_testing;
