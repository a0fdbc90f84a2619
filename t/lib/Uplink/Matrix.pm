package Uplink::Matrix;

# Builds the module the classical way, with nginx's own configure and make,
# against the source package of the installed nginx.
#
#   my $objs = Uplink::Matrix::build('name', cc => 'clang',
#       configure => ['--with-compat', '--add-dynamic-module=…'],
#       make => ['modules']);
#
# Skips the whole test where the sources cannot be had.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use File::Path qw(make_path remove_tree);
use Test::More ();

use Uplink::Test;

my $root = $Uplink::Test::root;

sub build_dir {
    my $build = $ENV{BUILD} // "$root/build";
    return $build =~ m{^/} ? $build : "$root/$build";
}

# the unpacked sources of nginx

sub source {
    my $path = `$root/dev source 2>&1`;

    if ($? || !-d ($path = (split /\n/, $path)[-1] // '')) {
        Test::More::plan(skip_all => "no sources of nginx: $path");
    }

    return $path;
}

sub run {
    my ($log, @command) = @_;

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $log;
        open STDERR, '>&', \*STDOUT;
        { exec @command };
        POSIX::_exit(127);
    }

    waitpid $pid, 0;
    return $?;
}

# a tree of links to the sources, where configure may write

sub tree {
    my ($name) = @_;

    my $source = source();
    my $dir = build_dir() . "/matrix/$name";

    make_path($dir);

    for my $entry (glob "$source/*") {
        my ($base) = $entry =~ m{([^/]+)$};
        symlink $entry, "$dir/$base" unless -l "$dir/$base" || $base eq 'objs';
    }

    return $dir;
}

# the folder with what was built, or nothing, and what was said in diag.  It
# stays there: the next run configures only if something but code changed.

sub build {
    my ($name, %arg) = @_;

    my $dir = tree($name);
    my $log = "$dir/build.log";
    unlink $log;

    my @configure = ('sh', './configure', @{$arg{configure}},
        "--with-cc=$arg{cc}", '--with-cc-opt=' . ($arg{cc_opt} // ''),
        '--with-ld-opt=' . ($arg{ld_opt} // ''));

    my $key = sha1_hex(join "\n", @configure, sort(glob
        "$root/*.c $root/src/*.h $root/src/*/*.[ch]"), slurp("$root/config"));

    chdir $dir or die "chdir $dir: $!";

    if (slurp('key') ne $key || !-e 'objs/Makefile') {
        unlink 'key';
        remove_tree('objs');

        if (run($log, @configure)) {
            chdir $root;
            return failed($log);
        }

        open my $file, '>', 'key' or die "key: $!";
        print $file $key;
        close $file;
    }

    my $status = run($log, 'make', '-f', 'objs/Makefile', @{$arg{make}});
    chdir $root;

    return $status ? failed($log) : "$dir/objs";
}

sub failed {
    my ($log) = @_;

    my @lines = split /\n/, slurp($log);
    splice @lines, 0, @lines - 30 if @lines > 30;
    Test::More::diag(join "\n", @lines);

    return;
}

sub slurp {
    my ($name) = @_;

    open my $file, '<', $name or return '';
    local $/;
    return scalar(<$file>) // '';
}

# does this nginx with this module do its work?

sub smoke {
    my ($what, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $t = Uplink::Test->new(%arg);

    $t->conf(<<'END')->run;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /echo { uplink_echo; uplink_auth off; }
    }
END

    my $ws = $t->ws('/echo');
    $ws->send_text('hello');
    my $m = $ws->recv;
    Test::More::is($m && $m->{payload}, 'hello', "$what: echo");
    Test::More::ok($ws->goodbye, "$what: goodbye");

    $t->reload;
    Test::More::is($t->handshake('/echo')->handshake_error, '',
        "$what: after a reload");
    $t->finish;

    return;
}

1;
